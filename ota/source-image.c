/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/source.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ota/fault.h"

/* libblkid counts in these, whatever the size of the disk's sectors, in bytes. */
enum { SECTOR = 512 };
enum { PARTITIONS_MAX = 256 };
/* Groups of an ext4, which has memory for each: far more than mke2fs makes of 8 TiB. */
enum { GROUPS_MAX = 1 << 20 };
/* As in Linux. */
enum { EXTENT_DEPTH_MAX = 5 };
/* The files of an ext4, with their holes, may be this many times as large as it is, but always so
 * many bytes. A larger size is an error in it or made to keep us busy. */
enum { HOLES_FACTOR = 16 };
#define HOLES_MIN (G_GUINT64_CONSTANT(4) << 30)
/* Bytes of a file that are read at once; so many zeros become a hole in the copy. */
enum { PIECE = 1 << 16 };
/* What mtools may use: files, seconds of processor time, bytes of memory, bytes of output. */
enum { FAT_FILES_MAX = 65536, FAT_SECONDS_MAX = 60, FAT_MEMORY_MAX = 1 << 30 };
enum { FAT_OUTPUT_MAX = 1 << 20 };

struct partition {
	int number; /* 0: the whole image */
	guint64 offset, size;
	char *type; /* as libblkid names it; NULL if unknown, "" if there are several */
};

struct disk {
	const char *path;
	int fd;
	guint64 size;
	GPtrArray *partitions;
};

static void disk_clear(struct disk *disk)
{
	if (disk->fd >= 0)
		close(disk->fd);
	g_ptr_array_unref(disk->partitions);
}

static void partition_free(gpointer pointer)
{
	struct partition *partition = pointer;

	g_free(partition->type);
	g_free(partition);
}

static const struct partition *partition_at(const struct disk *disk, guint index)
{
	return g_ptr_array_index(disk->partitions, index);
}

/* For the beginning of a sentence. */
static char *name_of(const struct disk *disk, const struct partition *partition)
{
	if (!partition->number)
		return g_strdup(disk->path);
	return g_strdup_printf("%s, partition %d", disk->path, partition->number);
}

/* --- the partitions ------------------------------------------------------------------------------ */

static gboolean no_memory(const char *path, GError **error)
{
	errno = ENOMEM;
	return fault_errno(error, "%s", path);
}

static char *type_at(int fd, guint64 offset, guint64 size)
{
	blkid_probe probe = blkid_new_probe();
	const char *value = NULL;
	char *type = NULL;

	if (!probe)
		return NULL;
	if (blkid_probe_set_device(probe, fd, (blkid_loff_t)offset, (blkid_loff_t)size) == 0) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
		errno = 0;
		switch (blkid_do_safeprobe(probe)) {
		case 0:
			if (blkid_probe_lookup_value(probe, "TYPE", &value, NULL) == 0)
				type = g_strdup(value);
			break;
		case 1:
			break;
		case -2:
			type = g_strdup("");
			break;
		default:
			/* libblkid 2.41 has no own code for two signatures, but then no errno. */
			type = errno ? NULL : g_strdup("");
		}
	}
	blkid_free_probe(probe);
	return type;
}

static gboolean add_partition(
	struct disk *disk, int number, guint64 offset, guint64 size, GError **error)
{
	struct partition *partition;

	if (offset > disk->size || size > disk->size - offset)
		return fault(error,
			"%s: partition %d ends behind the end of the image, which has been cut",
			disk->path, number);
	if (disk->partitions->len == PARTITIONS_MAX)
		return fault(
			error, "%s: it has more than %d partitions", disk->path, PARTITIONS_MAX);
	partition = g_new0(struct partition, 1);
	*partition = (struct partition){ number, offset, size, type_at(disk->fd, offset, size) };
	g_ptr_array_add(disk->partitions, partition);
	return TRUE;
}

static gboolean add_partitions(struct disk *disk, blkid_partlist list, GError **error)
{
	for (int i = 0; i < blkid_partlist_numof_partitions(list); i++) {
		blkid_partition part = blkid_partlist_get_partition(list, i);
		const blkid_loff_t start = blkid_partition_get_start(part);
		const blkid_loff_t size = blkid_partition_get_size(part);
		const char *table = blkid_parttable_get_type(blkid_partition_get_table(part));

		/* Tables of BSD and others may be inside a partition. */
		if (blkid_partition_is_extended(part) || size <= 0 ||
			(strcmp(table, "gpt") != 0 && strcmp(table, "dos") != 0))
			continue;
		if (start < 0 || start > G_MAXINT64 / SECTOR || size > G_MAXINT64 / SECTOR)
			return fault(error, "%s: its table of partitions is damaged", disk->path);
		if (!add_partition(disk, blkid_partition_get_partno(part), (guint64)start * SECTOR,
			    (guint64)size * SECTOR, error))
			return FALSE;
	}
	return TRUE;
}

/* The GPT of an image for a disk with large sectors is elsewhere. */
static gboolean find_partitions_by(struct disk *disk, unsigned int sector, GError **error)
{
	blkid_probe probe = blkid_new_probe();
	blkid_partlist list;
	gboolean good = TRUE;

	if (!probe)
		return no_memory(disk->path, error);
	errno = 0;
	if (blkid_probe_set_device(probe, disk->fd, 0, 0) < 0) {
		if (!errno)
			errno = EIO;
		good = fault_errno(error, "%s: cannot be read", disk->path);
	} else {
		disk->size = (guint64)blkid_probe_get_size(probe);
		if (sector)
			blkid_probe_set_sectorsize(probe, sector);
		blkid_probe_enable_partitions(probe, 1);
		list = blkid_probe_get_partitions(probe);
		if (list)
			good = add_partitions(disk, list, error);
	}
	blkid_free_probe(probe);
	return good;
}

static gboolean find_partitions(struct disk *disk, GError **error)
{
	static const unsigned int sectors[] = { 0 /* the device's */, 4096 };

	for (gsize i = 0; i < G_N_ELEMENTS(sectors) && !disk->partitions->len; i++)
		if (!find_partitions_by(disk, sectors[i], error))
			return FALSE;
	return disk->partitions->len || add_partition(disk, 0, 0, disk->size, error);
}

static gboolean open_disk(const char *path, struct disk *disk, GError **error)
{
	struct stat st;

	*disk = (struct disk){ path, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), 0,
		g_ptr_array_new_with_free_func(partition_free) };
	if (disk->fd < 0 || fstat(disk->fd, &st) < 0)
		return fault_errno(error, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return fault(error, "%s: neither a file nor a block device", path);
	return find_partitions(disk, error);
}

/* --- an ext2, ext3 or ext4 ----------------------------------------------------------------------- */

/* One that is being read. */
struct volume {
	ext2_filsys fs;
	char *name; /* for sentences */
	const struct source_sink *sink;
	GHashTable *directories; /* the inode numbers of those that came */
	GHashTable *links;	 /* of files with several names, to the first path */
	guint64 budget;		 /* bytes that files may still have */
	char *piece;		 /* PIECE bytes */
};

static void volume_clear(struct volume *volume)
{
	if (volume->fs)
		ext2fs_close_free(&volume->fs);
	g_free(volume->name);
	g_hash_table_unref(volume->directories);
	g_hash_table_unref(volume->links);
	g_free(volume->piece);
}

struct child {
	ext2_ino_t ino;
	char name[];
};

/* A directory that is being read. */
struct listing {
	struct volume *volume;
	const char *path;
	ext2_ino_t ino, parent;
	GPtrArray *children;
	GError **error;
	gboolean failed;
};

static const char *shown(const char *path)
{
	return *path ? path : "/";
}

static gboolean unread(const struct volume *volume, const char *path, errcode_t why, GError **error)
{
	return fault(
		error, "%s: %s cannot be read: %s", volume->name, shown(path), error_message(why));
}

static gboolean damaged(
	const struct volume *volume, const char *path, const char *what, GError **error)
{
	return fault(error, "%s: %s %s; repair the file system with e2fsck -f", volume->name,
		shown(path), what);
}

static gboolean is_ext(const struct partition *partition)
{
	return partition->type && g_str_has_prefix(partition->type, "ext");
}

/* The library believes these two numbers, and allocates memory for each group. */
static gboolean check_superblock(const struct disk *disk, const struct partition *partition,
	const char *name, GError **error)
{
	struct ext2_super_block super;
	guint64 blocks, groups;
	guint32 shift;

	if (pread(disk->fd, &super, sizeof super, (off_t)(partition->offset + SUPERBLOCK_OFFSET)) !=
		sizeof super)
		return fault(error, "%s: its superblock cannot be read", name);
	blocks = ext2fs_le32_to_cpu(super.s_blocks_count);
	if (ext2fs_le32_to_cpu(super.s_feature_incompat) & EXT4_FEATURE_INCOMPAT_64BIT)
		blocks |= (guint64)ext2fs_le32_to_cpu(super.s_blocks_count_hi) << 32;
	shift = ext2fs_le32_to_cpu(super.s_log_block_size);
	groups = blocks / MAX(ext2fs_le32_to_cpu(super.s_blocks_per_group), 1);
	if (shift > EXT2_MAX_BLOCK_LOG_SIZE - EXT2_MIN_BLOCK_LOG_SIZE || groups > GROUPS_MAX)
		return fault(error, "%s: its superblock is damaged", name);
	if (blocks > partition->size >> (EXT2_MIN_BLOCK_LOG_SIZE + shift))
		return fault(error,
			"%s: the file system has %" G_GUINT64_FORMAT
			" blocks, but only a part of them is here; the image has been cut",
			name, blocks);
	return TRUE;
}

/* For each level the library allocates a block. It calls this for all but full inodes, also for
 * those of long extended attributes. */
static errcode_t check_depth(const struct ext2_inode *inode)
{
	struct ext3_extent_header header;

	memcpy(&header, inode->i_block, sizeof header);
	if (inode->i_flags & EXT4_EXTENTS_FL &&
		ext2fs_le16_to_cpu(header.eh_depth) > EXTENT_DEPTH_MAX)
		return EXT2_ET_EXTENT_HEADER_BAD;
	return 0;
}

static errcode_t read_checked(ext2_filsys fs, ext2_ino_t ino, struct ext2_inode *inode)
{
	errcode_t err;

	fs->read_inode = NULL;
	err = ext2fs_read_inode(fs, ino, inode);
	fs->read_inode = read_checked;
	return err ? err : check_depth(inode);
}

/* *volume must be cleared in any case. */
static gboolean open_volume(const struct disk *disk, const struct partition *partition,
	const struct source_sink *sink, struct volume *volume, GError **error)
{
	g_autofree char *offset = g_strdup_printf("offset=%" G_GUINT64_FORMAT, partition->offset);
	errcode_t err;

	*volume = (struct volume){ .name = name_of(disk, partition),
		.sink = sink,
		.directories = g_hash_table_new_full(g_int_hash, g_int_equal, g_free, NULL),
		.links = g_hash_table_new_full(g_int_hash, g_int_equal, g_free, g_free),
		.budget = MAX(partition->size, HOLES_MIN / HOLES_FACTOR) * HOLES_FACTOR,
		.piece = g_malloc(PIECE) };
	if (!check_superblock(disk, partition, volume->name, error))
		return FALSE;
	initialize_ext2_error_table();
	err = ext2fs_open2(
		disk->path, offset, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &volume->fs);
	if (err || !volume->fs) {
		volume->fs = NULL;
		fault(error, "%s: the %s cannot be read: %s", volume->name, partition->type,
			error_message(err));
		return FALSE;
	}
	volume->fs->read_inode = read_checked;
	return TRUE;
}

/* A journal has what was written last. */
static gboolean check_clean(const struct volume *volume, GError **error)
{
	const struct ext2_super_block *super = volume->fs->super;

	if (!(super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) &&
		super->s_state & EXT2_VALID_FS && !(super->s_state & EXT2_ERROR_FS))
		return TRUE;
	return fault(error,
		"%s: the file system was not unmounted cleanly; run e2fsck -f on it, or mount and unmount it once",
		volume->name);
}

/* Bounds the time that an image can cost. */
static gboolean spend(struct volume *volume, const char *path, guint64 size, GError **error)
{
	if (size > volume->budget)
		return fault(error,
			"%s: with %s, of %" G_GUINT64_FORMAT
			" bytes, its files are far larger than the file system; if it has huge holes, shrink or remove it, otherwise repair the file system with e2fsck -f",
			volume->name, shown(path), size);
	volume->budget -= size;
	return TRUE;
}

/* NULL with *error. */
static struct ext2_inode_large *read_inode(
	const struct volume *volume, ext2_ino_t ino, const char *path, GError **error)
{
	const gsize size = EXT2_INODE_SIZE(volume->fs->super);
	g_autofree struct ext2_inode_large *inode = g_malloc0(MAX(size, sizeof *inode));
	errcode_t err;

	/* The others are the journal and the like. */
	if (ino != EXT2_ROOT_INO && ino < EXT2_FIRST_INODE(volume->fs->super)) {
		damaged(volume, path, "has the number of a hidden file", error);
		return NULL;
	}
	err = ext2fs_read_inode_full(volume->fs, ino, EXT2_INODE(inode), (int)size);
	if (!err)
		err = check_depth(EXT2_INODE(inode));
	if (err) {
		unread(volume, path, err, error);
		return NULL;
	}
	return g_steal_pointer(&inode);
}

static gboolean add_child(struct listing *listing, const char *name, gsize length, ext2_ino_t ino)
{
	const ext2_ino_t dots[] = { 0, listing->ino, listing->parent };
	struct child *child;

	if (length && length < G_N_ELEMENTS(dots) && !strncmp(name, "..", length))
		return ino == dots[length] || damaged(listing->volume, listing->path,
						      "has a wrong . or ..", listing->error);
	if (!length || memchr(name, '\0', length) || memchr(name, '/', length))
		return damaged(listing->volume, listing->path, "has a file with an impossible name",
			listing->error);
	child = g_malloc0(sizeof *child + length + 1);
	child->ino = ino;
	memcpy(child->name, name, length);
	g_ptr_array_add(listing->children, child);
	return TRUE;
}

static gboolean add_block(struct listing *listing, char *block)
{
	ext2_filsys fs = listing->volume->fs;
	unsigned int length;

	for (unsigned int offset = 0; offset < fs->blocksize; offset += length) {
		struct ext2_dir_entry *entry = (void *)(block + offset);
		const unsigned int left = fs->blocksize - offset, head = EXT2_DIR_ENTRY_HEADER_LEN;

		if (left < head || ext2fs_get_rec_len(fs, entry, &length) || length < head ||
			length % 4 || length > left ||
			head + (unsigned int)ext2fs_dirent_name_len(entry) > length)
			return damaged(listing->volume, listing->path, "is a damaged directory",
				listing->error);
		if (entry->inode && !add_child(listing, entry->name,
					    (gsize)ext2fs_dirent_name_len(entry), entry->inode))
			return FALSE;
	}
	return TRUE;
}

/* Not ext2fs_dir_iterate(): it follows all extents, and those of a hostile image never end. */
static gboolean add_blocks(struct listing *listing, struct ext2_inode *inode)
{
	ext2_filsys fs = listing->volume->fs;
	g_autofree char *block = g_malloc(fs->blocksize);
	const blk64_t count = EXT2_I_SIZE(inode) / fs->blocksize;

	for (blk64_t i = 0; i < count; i++) {
		blk64_t where = 0;
		int flags = 0;
		errcode_t err = ext2fs_bmap2(fs, listing->ino, inode, NULL, 0, i, &flags, &where);

		if (!err && (!where || flags & BMAP_RET_UNINIT))
			continue;
		if (!err && where >= ext2fs_blocks_count(fs->super))
			err = EXT2_ET_BAD_BLOCK_NUM;
		if (!err)
			err = ext2fs_read_dir_block4(fs, where, block, 0, listing->ino);
		if (err)
			return unread(listing->volume, listing->path, err, listing->error);
		if (!add_block(listing, block))
			return FALSE;
	}
	return TRUE;
}

static int add_inline(ext2_ino_t directory, int kind, struct ext2_dir_entry *entry, int offset,
	int size, char *buffer, void *context)
{
	struct listing *listing = context;

	(void)directory;
	(void)kind;
	(void)offset;
	(void)size;
	(void)buffer;
	listing->failed = !add_child(
		listing, entry->name, (gsize)ext2fs_dirent_name_len(entry), entry->inode);
	return listing->failed ? DIRENT_ABORT : 0;
}

static gint by_name(gconstpointer left, gconstpointer right)
{
	const struct child *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

/* The struct child in a directory, by name; NULL with *error. */
static GPtrArray *list(struct volume *volume, const char *path, ext2_ino_t ino, ext2_ino_t parent,
	struct ext2_inode *inode, GError **error)
{
	g_autoptr(GPtrArray) children = g_ptr_array_new_with_free_func(g_free);
	struct listing listing = { volume, path, ino, parent, children, error, FALSE };
	errcode_t err;

	if (!spend(volume, path, EXT2_I_SIZE(inode), error))
		return NULL;
	if (inode->i_flags & EXT4_INLINE_DATA_FL) {
		err = ext2fs_dir_iterate2(volume->fs, ino, 0, NULL, add_inline, &listing);
		if (err && !listing.failed)
			listing.failed = !unread(volume, path, err, error);
	} else {
		listing.failed = !add_blocks(&listing, inode);
	}
	if (listing.failed)
		return NULL;
	g_ptr_array_sort(children, by_name);
	for (guint i = 1; i < children->len; i++) {
		if (by_name(&children->pdata[i - 1], &children->pdata[i]) != 0)
			continue;
		damaged(volume, path, "has a name twice", error);
		return NULL;
	}
	return g_steal_pointer(&children);
}

/* ext4's form of an ACL: a version, then entries of a tag, permissions and, for users and groups
 * with a name, an ID. */
enum { DISK_ACL_VERSION = 1, ACL_VERSION = 2, ACL_USER = 2, ACL_GROUP = 8 };
enum { ACL_HEAD = 4, DISK_ACL_SHORT = 4, DISK_ACL_LONG = 8 };

/* The kernel's form, in which all entries have an ID. NULL if the value is damaged. The library's
 * own function may read behind the end of such a value. */
static GByteArray *acl_of(const guint8 *value, gsize size)
{
	static const guint8 head[ACL_HEAD] = { ACL_VERSION }, old[ACL_HEAD] = { DISK_ACL_VERSION };
	static const guint8 none[] = { 0xff, 0xff, 0xff, 0xff };
	g_autoptr(GByteArray) acl = g_byte_array_new();
	gsize length;

	if (size < ACL_HEAD || memcmp(value, old, ACL_HEAD) != 0)
		return NULL;
	g_byte_array_append(acl, head, sizeof head);
	for (gsize i = ACL_HEAD; i < size; i += length) {
		length = value[i] == ACL_USER || value[i] == ACL_GROUP ? DISK_ACL_LONG
								       : DISK_ACL_SHORT;
		if (size - i < length)
			return NULL;
		g_byte_array_append(acl, value + i, (guint)length);
		if (length == DISK_ACL_SHORT)
			g_byte_array_append(acl, none, sizeof none);
	}
	return g_steal_pointer(&acl);
}

/* The attributes of one file. */
struct attributes {
	GTree *tree;
	char *bad; /* the name of one that is damaged */
};

static int add_attribute(char *name, char *value, size_t size, void *context)
{
	struct attributes *attributes = context;
	g_autoptr(GByteArray) acl = NULL;

	/* The content of a small file. */
	if (!strcmp(name, "system.data"))
		return 0;
	if (g_str_has_prefix(name, "system.posix_acl_")) {
		acl = acl_of((const guint8 *)value, size);
		if (acl)
			source_xattrs_add(attributes->tree, name, acl->data, acl->len);
	} else if (strchr(name, '.')) {
		source_xattrs_add(attributes->tree, name, value, size);
		return 0;
	}
	if (acl)
		return 0;
	g_free(attributes->bad);
	attributes->bad = g_strdup(name);
	return XATTR_ABORT;
}

/* NULL with *error. */
static GVariant *read_xattrs(
	const struct volume *volume, const char *path, ext2_ino_t ino, GError **error)
{
	struct attributes attributes = { source_xattrs_new(), NULL };
	g_autoptr(GVariant) xattrs = NULL;
	struct ext2_xattr_handle *handle;
	errcode_t err = ext2fs_xattrs_open(volume->fs, ino, &handle);

	if (!err) {
		err = ext2fs_xattrs_read(handle);
		if (!err)
			err = ext2fs_xattrs_iterate(handle, add_attribute, &attributes);
		ext2fs_xattrs_close(&handle);
	}
	xattrs = source_xattrs_end(attributes.tree);
	if (!err && !attributes.bad)
		return g_steal_pointer(&xattrs);
	if (err)
		fault(error, "%s: the extended attributes of %s cannot be read: %s", volume->name,
			shown(path), error_message(err));
	else
		fault(error,
			"%s: the extended attribute %s of %s is damaged; repair the file system with e2fsck -f",
			volume->name, attributes.bad, shown(path));
	g_free(attributes.bad);
	return NULL;
}

/* NULL with *error. */
static char *read_target(struct volume *volume, const char *path, ext2_ino_t ino,
	struct ext2_inode *inode, GError **error)
{
	const guint64 size = EXT2_I_SIZE(inode);
	g_autofree char *target = NULL;
	unsigned int got = 0;
	ext2_file_t file;
	errcode_t err;

	if (!size || size >= PATH_MAX) {
		damaged(volume, path, "is a symlink with an impossible length", error);
		return NULL;
	}
	target = g_malloc0(size + 1);
	if (size < sizeof inode->i_block &&
		!(inode->i_flags & (EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL))) {
		memcpy(target, inode->i_block, size);
	} else {
		err = ext2fs_file_open(volume->fs, ino, 0, &file);
		if (!err) {
			err = ext2fs_file_read(file, target, (unsigned int)size, &got);
			ext2fs_file_close(file);
		}
		if (err) {
			unread(volume, path, err, error);
			return NULL;
		}
	}
	if (strlen(target) != size) {
		damaged(volume, path, "is a symlink with a damaged target", error);
		return NULL;
	}
	return g_steal_pointer(&target);
}

static gboolean copy_content(struct volume *volume, const char *path, ext2_file_t file,
	guint64 size, int copy, GError **error)
{
	static const char zeros[PIECE];
	unsigned int got;

	if (ftruncate(copy, (off_t)size) < 0)
		return fault_errno(error, "%s: no temporary copy can be made", path);
	for (guint64 done = 0; done < size; done += got) {
		const unsigned int wanted = (unsigned int)MIN(size - done, PIECE);
		errcode_t err = ext2fs_file_read(file, volume->piece, wanted, &got);

		if (err)
			return unread(volume, path, err, error);
		/* Inline data that end before the size does, as mke2fs -d makes of a large hole. */
		if (!got)
			break;
		errno = ENOSPC;
		if (memcmp(volume->piece, zeros, got) != 0 &&
			pwrite(copy, volume->piece, got, (off_t)done) != (ssize_t)got)
			return fault_errno(error, "%s: no temporary copy can be made", path);
	}
	return TRUE;
}

/* A file with the content of a regular file, or -1 with *error. */
static int read_content(struct volume *volume, const char *path, ext2_ino_t ino,
	struct ext2_inode *inode, GError **error)
{
	const guint64 size = EXT2_I_SIZE(inode);
	gboolean good;
	ext2_file_t file;
	errcode_t err;
	int copy;

	if (!spend(volume, path, size, error))
		return -1;
	copy = source_scratch(size, error);
	if (copy < 0)
		return -1;
	err = ext2fs_file_open(volume->fs, ino, 0, &file);
	if (err) {
		good = unread(volume, path, err, error);
	} else {
		good = copy_content(volume, path, file, size, copy, error);
		ext2fs_file_close(file);
	}
	if (good)
		return copy;
	close(copy);
	return -1;
}

static gint64 mtime_of(const struct volume *volume, const struct ext2_inode_large *inode)
{
	const gsize end = G_STRUCT_OFFSET(struct ext2_inode_large, i_mtime_extra) +
			  sizeof inode->i_mtime_extra;
	gint64 seconds = (gint32)inode->i_mtime;

	/* The first two bits count the times that the 32 bits of seconds have run over. */
	if (EXT2_INODE_SIZE(volume->fs->super) > EXT2_GOOD_OLD_INODE_SIZE &&
		EXT2_GOOD_OLD_INODE_SIZE + (gsize)inode->i_extra_isize >= end)
		seconds += (gint64)(inode->i_mtime_extra & 3) << 32;
	return seconds;
}

/* The path by which this file came before, or NULL; remembers the file. */
static const char *seen(struct volume *volume, ext2_ino_t ino, const char *path)
{
	const char *first = g_hash_table_lookup(volume->links, &ino);

	if (!first)
		g_hash_table_insert(volume->links, g_memdup2(&ino, sizeof ino), g_strdup(path));
	return first;
}

static gboolean check_inode(struct volume *volume, const char *path, ext2_ino_t ino,
	const struct ext2_inode *inode, GError **error)
{
	const mode_t mode = inode->i_mode;

	if (!inode->i_links_count)
		return damaged(volume, path, "is a removed file", error);
	if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode) && !S_ISCHR(mode) &&
		!S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return damaged(volume, path, "is no kind of file", error);
	if (!*path && !S_ISDIR(mode))
		return damaged(volume, path, "is no directory", error);
	if (inode->i_flags & EXT4_EA_INODE_FL)
		return damaged(volume, path, "has the number of a hidden file", error);
	if (inode->i_flags & EXT4_ENCRYPT_FL)
		return fault(error,
			"%s: %s is encrypted; mount the file system with its key, and make a tar of it as root",
			volume->name, shown(path));
	if (S_ISDIR(mode) && !g_hash_table_add(volume->directories, g_memdup2(&ino, sizeof ino)))
		return damaged(volume, path, "is a directory that is also elsewhere", error);
	return TRUE;
}

static gboolean put(
	struct volume *volume, const char *path, ext2_ino_t ino, ext2_ino_t parent, GError **error);

/* PATH_MAX bounds how deep this goes. */
static gboolean put_children(struct volume *volume, const char *path, ext2_ino_t ino,
	ext2_ino_t parent, struct ext2_inode *inode, GError **error)
{
	g_autoptr(GPtrArray) children = list(volume, path, ino, parent, inode, error);

	if (!children)
		return FALSE;
	for (guint i = 0; i < children->len; i++) {
		const struct child *child = g_ptr_array_index(children, i);
		g_autofree char *below =
			*path ? g_build_filename(path, child->name, NULL) : g_strdup(child->name);

		/* Where e2fsck puts what it finds. */
		if (!strcmp(below, "lost+found"))
			continue;
		if (strlen(below) >= PATH_MAX)
			return fault(
				error, "%s: its directories are too deep: %s", volume->name, below);
		if (!source_check_path(below, error) || !put(volume, below, child->ino, ino, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean put_entry(struct volume *volume, struct source_entry *entry, ext2_ino_t ino,
	struct ext2_inode *inode, GError **error)
{
	g_autofree char *target = NULL;
	int content = -1;
	gboolean good;

	if (S_ISLNK(entry->mode)) {
		entry->target = target = read_target(volume, entry->path, ino, inode, error);
		if (!target)
			return FALSE;
	}
	if (S_ISREG(entry->mode)) {
		entry->size = EXT2_I_SIZE(inode);
		if (!entry->hardlink) {
			content = read_content(volume, entry->path, ino, inode, error);
			if (content < 0)
				return FALSE;
		}
	}
	good = volume->sink->take(volume->sink->context, entry, content, error);
	if (content >= 0)
		close(content);
	return good;
}

static gboolean put(
	struct volume *volume, const char *path, ext2_ino_t ino, ext2_ino_t parent, GError **error)
{
	g_autofree struct ext2_inode_large *inode = read_inode(volume, ino, path, error);
	g_autoptr(GVariant) xattrs = NULL;
	struct source_entry entry;

	if (!inode || !check_inode(volume, path, ino, EXT2_INODE(inode), error))
		return FALSE;
	xattrs = read_xattrs(volume, path, ino, error);
	if (!xattrs)
		return FALSE;
	entry = (struct source_entry){ .path = path,
		.mode = inode->i_mode,
		.uid = inode_uid(*inode),
		.gid = inode_gid(*inode),
		.xattrs = xattrs,
		.mtime = mtime_of(volume, inode) };
	if (!S_ISDIR(entry.mode) && inode->i_links_count > 1)
		entry.hardlink = seen(volume, ino, path);
	return put_entry(volume, &entry, ino, EXT2_INODE(inode), error) &&
	       (!S_ISDIR(entry.mode) ||
		       put_children(volume, path, ino, parent, EXT2_INODE(inode), error));
}

static gboolean read_ext(const struct disk *disk, const struct partition *partition,
	const struct source_sink *sink, GError **error)
{
	struct volume volume;
	const gboolean good = open_volume(disk, partition, sink, &volume, error) &&
			      check_clean(&volume, error) &&
			      put(&volume, "", EXT2_ROOT_INO, EXT2_ROOT_INO, error);

	volume_clear(&volume);
	return good;
}

/* The names at the top of a file system, sorted. */
struct top_name {
	gboolean directory, symlink;
	char name[];
};

static void add_top_name(
	GPtrArray *names, const char *name, gsize length, gboolean directory, gboolean symlink)
{
	struct top_name *top = g_malloc0(sizeof *top + length + 1);

	top->directory = directory;
	top->symlink = symlink;
	memcpy(top->name, name, length);
	g_ptr_array_add(names, top);
}

static gboolean add_ext_names(struct volume *volume, GPtrArray *names, GError **error)
{
	g_autofree struct ext2_inode_large *root = read_inode(volume, EXT2_ROOT_INO, "", error);
	g_autoptr(GPtrArray) children = NULL;

	if (!root)
		return FALSE;
	if (!S_ISDIR(root->i_mode))
		return damaged(volume, "", "is no directory", error);
	children = list(volume, "", EXT2_ROOT_INO, EXT2_ROOT_INO, EXT2_INODE(root), error);
	if (!children)
		return FALSE;
	for (guint i = 0; i < children->len; i++) {
		const struct child *child = g_ptr_array_index(children, i);
		g_autofree struct ext2_inode_large *inode =
			read_inode(volume, child->ino, child->name, error);

		if (!inode)
			return FALSE;
		add_top_name(names, child->name, strlen(child->name), S_ISDIR(inode->i_mode),
			S_ISLNK(inode->i_mode));
	}
	return TRUE;
}

static gboolean list_ext(const struct disk *disk, const struct partition *partition,
	GPtrArray *names, GError **error)
{
	struct volume volume;
	const gboolean good = open_volume(disk, partition, NULL, &volume, error) &&
			      add_ext_names(&volume, names, error);

	volume_clear(&volume);
	return good;
}

/* --- a FAT --------------------------------------------------------------------------------------- */

static gboolean is_fat(const struct partition *partition)
{
	return partition->type && !strcmp(partition->type, "vfat");
}

/* Runs mtools with the image as descriptor 3. */
static int spawn(const struct disk *disk, char *const *argv, const int output[2], pid_t *ret_pid)
{
	static const char *const names[] = { "PATH", "TMPDIR" };
	/* Names are in UTF-8, times as they are; neither a ~/.mtoolsrc nor mtools' own checks, which
	 * refuse what Linux mounts, shall matter. */
	g_auto(GStrv) environment = g_strdupv((char *[]){
		"LC_ALL=C.UTF-8", "TZ=UTC", "MTOOLS_SKIP_CHECK=1", "MTOOLSRC=/dev/null", NULL });
	posix_spawn_file_actions_t actions;
	int err;

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_getenv(names[i]))
			environment =
				g_environ_setenv(environment, names[i], g_getenv(names[i]), TRUE);
	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return err;
	err = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	for (int i = 0; i < 2 && !err; i++)
		err = posix_spawn_file_actions_adddup2(&actions, output[i], i + 1);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, disk->fd, 3);
	if (!err)
		err = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

static void limit(pid_t pid, guint64 largest_file)
{
	const guint64 size = MAX(largest_file, FAT_OUTPUT_MAX);
	const struct rlimit seconds = { FAT_SECONDS_MAX, FAT_SECONDS_MAX }, sizes = { size, size },
			    memory = { FAT_MEMORY_MAX, FAT_MEMORY_MAX };

	/* They fail if the process has ended. */
	(void)prlimit(pid, RLIMIT_CPU, &seconds, NULL);
	(void)prlimit(pid, RLIMIT_FSIZE, &sizes, NULL);
	(void)prlimit(pid, RLIMIT_AS, &memory, NULL);
}

/* The files below a directory, each with its bytes. False if there are too many of either. */
static gboolean is_within(const char *directory, guint64 bytes)
{
	char *const roots[] = { (char *)directory, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	guint files = 0;
	gboolean good = TRUE;
	FTSENT *file;

	while (walk && good && (file = fts_read(walk))) {
		const guint64 size =
			file->fts_info == FTS_F ? (guint64)file->fts_statp->st_size : 0;

		good = ++files <= FAT_FILES_MAX && size <= bytes;
		bytes -= good ? size : 0;
	}
	if (walk)
		fts_close(walk);
	return good;
}

/* A directory of a FAT may be its own parent, which mcopy follows for ever. False if it did. */
static gboolean wait_for(pid_t pid, const char *directory, guint64 bytes, int *ret_status)
{
	gulong pause = G_USEC_PER_SEC / 1000;

	while (waitpid(pid, ret_status, WNOHANG) == 0) {
		g_usleep(pause);
		pause = MIN(pause * 2, G_USEC_PER_SEC / 4);
		if (!directory || is_within(directory, bytes))
			continue;
		kill(pid, SIGKILL);
		while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
			;
		return FALSE;
	}
	return !directory || is_within(directory, bytes);
}

static char *text_in(int fd)
{
	g_autofree char *text = g_malloc0(FAT_OUTPUT_MAX + 1);

	if (pread(fd, text, FAT_OUTPUT_MAX, 0) < 0)
		*text = '\0';
	return g_steal_pointer(&text);
}

/* arguments are those between the options for the image and NULL. directory is where files come, or
 * NULL. */
static gboolean run_with(const struct disk *disk, const struct partition *partition,
	char *const *argv, const char *directory, const int output[2], GError **error)
{
	g_autofree char *name = name_of(disk, partition), *says = NULL;
	int err, status = -1; /* no exit status, should waitpid() fail */
	pid_t pid;

	err = spawn(disk, argv, output, &pid);
	if (err == ENOENT)
		return fault(error,
			"%s: it is a FAT, which needs mtools, and mtools is not installed", name);
	if (err) {
		errno = err;
		return fault_errno(error, "%s: %s cannot be started", name, argv[0]);
	}
	limit(pid, partition->size);
	if (!wait_for(pid, directory, partition->size, &status))
		return fault(error,
			"%s: the FAT has more files than it has room for, so it is damaged; repair it with fsck.vfat",
			name);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return TRUE;
	if (!WIFEXITED(status))
		return fault(error, "%s: the FAT cannot be read: %s was ended by signal %d", name,
			argv[0], WTERMSIG(status));
	says = g_strdelimit(g_strstrip(text_in(output[1])), "\n", ' ');
	return fault(error, "%s: the FAT cannot be read: %s", name, *says ? says : argv[0]);
}

/* *ret_text is what it prints. */
static gboolean run(const struct disk *disk, const struct partition *partition, char *const *argv,
	const char *directory, char **ret_text, GError **error)
{
	int output[] = { -1, -1 };
	gboolean good = TRUE;

	for (gsize i = 0; i < G_N_ELEMENTS(output) && good; i++) {
		output[i] = source_scratch(0, error);
		good = output[i] >= 0;
	}
	good = good && run_with(disk, partition, argv, directory, output, error);
	if (good)
		*ret_text = text_in(output[0]);
	for (gsize i = 0; i < G_N_ELEMENTS(output); i++)
		if (output[i] >= 0)
			close(output[i]);
	return good;
}

/* The image for mtools, in which "@@" in its own path would be special. */
static char *image_option(const struct partition *partition)
{
	return g_strdup_printf("/dev/fd/3@@%" G_GUINT64_FORMAT, partition->offset);
}

static gboolean list_fat(const struct disk *disk, const struct partition *partition,
	GPtrArray *names, GError **error)
{
	g_autofree char *image = image_option(partition), *text = NULL;
	char *const argv[] = { "mdir", "-a", "-b", "-i", image, "::/", NULL };
	g_auto(GStrv) lines = NULL;

	if (!run(disk, partition, argv, NULL, &text, error))
		return FALSE;
	lines = g_strsplit(text, "\n", -1);
	for (gsize i = 0; lines[i]; i++) {
		const gboolean directory = g_str_has_suffix(lines[i], "/");
		const char *name = lines[i] + strlen("::/");

		/* There may be other lines about oddities. */
		if (g_str_has_prefix(lines[i], "::/"))
			add_top_name(
				names, name, strlen(name) - (directory ? 1 : 0), directory, FALSE);
	}
	return TRUE;
}

/* The directory has been made by mcopy, so there is no way out of it. */
static void remove_all(const char *directory)
{
	char *const roots[] = { (char *)directory, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *file;

	while (walk && (file = fts_read(walk)))
		if (file->fts_info == FTS_DP)
			(void)rmdir(file->fts_accpath);
		else if (file->fts_info != FTS_D)
			(void)unlink(file->fts_accpath);
	if (walk)
		fts_close(walk);
}

static gboolean read_fat(const struct disk *disk, const struct partition *partition,
	const struct source_sink *sink, GError **error)
{
	g_autofree char *directory = g_build_filename(g_get_tmp_dir(), "boot-XXXXXX", NULL);
	g_autofree char *image = image_option(partition), *text = NULL;
	char *const argv[] = { "mcopy", "-s", "-n", "-m", "-i", image, "::/", directory, NULL };
	gboolean good;

	if (!g_mkdtemp(directory))
		return fault_errno(error, "%s: cannot make a temporary directory", directory);
	good = run(disk, partition, argv, directory, &text, error) &&
	       source_read_directory(directory, sink, error);
	remove_all(directory);
	return good;
}

/* --- which partition is what --------------------------------------------------------------------- */

/* The next reader of entries that are to be below boot/. */
struct boot {
	const struct source_sink *sink;
	gboolean fat; /* which has neither owners nor permissions */
};

static gboolean take_boot(
	void *context, const struct source_entry *entry, int content, GError **error)
{
	const struct boot *boot = context;
	struct source_entry below = *entry;
	g_autofree char *path = g_build_filename("boot", *entry->path ? entry->path : NULL, NULL);
	g_autofree char *link =
		entry->hardlink ? g_build_filename("boot", entry->hardlink, NULL) : NULL;
	g_autoptr(GVariant) none = NULL;

	below.path = path;
	below.hardlink = link;
	if (boot->fat) {
		none = source_xattrs_end(source_xattrs_new());
		below.xattrs = none;
		below.uid = below.gid = 0;
		below.mode = S_ISDIR(entry->mode) ? S_IFDIR | 0755 : S_IFREG | 0644;
	}
	return boot->sink->take(boot->sink->context, &below, content, error);
}

/* How much a file system looks like a /boot. */
enum sign {
	SIGN_NONE, /* also with EFI/ alone: the loaders that the firmware starts, not what they load */
	SIGN_LOADER, /* device trees, or menus of U-Boot or systemd-boot, whose kernels may be deeper */
	SIGN_KERNEL,
};

static enum sign sign_of(const struct top_name *top)
{
	static const char *const kernels[] = { "vmlinu", "image", "zimage", "bzimage", "uimage",
		"fitimage", "kernel" };

	if (top->directory)
		return !g_ascii_strcasecmp(top->name, "extlinux") ||
				       !g_ascii_strcasecmp(top->name, "loader")
			       ? SIGN_LOADER
			       : SIGN_NONE;
	for (gsize i = 0; i < G_N_ELEMENTS(kernels); i++)
		if (!g_ascii_strncasecmp(top->name, kernels[i], strlen(kernels[i])))
			return SIGN_KERNEL;
	return g_str_has_suffix(top->name, ".dtb") ? SIGN_LOADER : SIGN_NONE;
}

struct look {
	gboolean usr;
	enum sign sign;
};

static gboolean look_at(const struct disk *disk, const struct partition *partition,
	struct look *look, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	*look = (struct look){ FALSE, SIGN_NONE };
	if (is_ext(partition) && !list_ext(disk, partition, names, error))
		return FALSE;
	if (is_fat(partition) && !list_fat(disk, partition, names, error))
		return FALSE;
	for (guint i = 0; i < names->len; i++) {
		const struct top_name *top = g_ptr_array_index(names, i);

		if (is_ext(partition) && !strcmp(top->name, "usr") &&
			(top->directory || top->symlink))
			look->usr = TRUE;
		look->sign = MAX(look->sign, sign_of(top));
	}
	return TRUE;
}

/* What keeps a root file system that is not read here; NULL if it holds none. */
static const char *foreign(const struct partition *partition)
{
	static const struct {
		const char *type, *name;
	} kinds[] = { { "btrfs", "btrfs" }, { "xfs", "XFS" }, { "f2fs", "F2FS" },
		{ "squashfs", "squashfs" }, { "squashfs3", "squashfs" }, { "erofs", "EROFS" },
		{ "cramfs", "cramfs" }, { "jfs", "JFS" }, { "reiserfs", "ReiserFS" },
		{ "nilfs2", "NILFS2" }, { "bcachefs", "bcachefs" }, { "zfs_member", "ZFS" },
		{ "ubi", "UBI" }, { "ubifs", "UBIFS" }, { "iso9660", "ISO 9660" },
		{ "crypto_LUKS", "LUKS" }, { "LVM2_member", "LVM" },
		{ "linux_raid_member", "RAID" }, { "", "several file systems at once" } };

	for (gsize i = 0; partition->type && i < G_N_ELEMENTS(kinds); i++)
		if (!strcmp(partition->type, kinds[i].type))
			return kinds[i].name;
	return NULL;
}

static void add_word(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add_word(GString *text, const char *format, ...)
{
	va_list arguments;

	if (text->len)
		g_string_append(text, ", ");
	va_start(arguments, format);
	g_string_append_vprintf(text, format, arguments);
	va_end(arguments);
}

static gboolean no_root(const struct disk *disk, GError **error)
{
	g_autoptr(GString) others = g_string_new(NULL);
	const struct partition *first = partition_at(disk, 0);

	if (!first->number && is_ext(first))
		return fault(error, "%s: there is no usr/ in it, so it is no root file system",
			disk->path);
	for (guint i = 0; i < disk->partitions->len; i++) {
		const struct partition *partition = partition_at(disk, i);

		if (foreign(partition) && partition->number)
			add_word(others, "%s in partition %d", foreign(partition),
				partition->number);
		else if (foreign(partition))
			add_word(others, "%s", foreign(partition));
	}
	if (others->len)
		return fault(error,
			"%s: there is no ext2, ext3 or ext4 with usr/ in it, but %s, which cannot be read without a mount; mount it, make a tar of it as root, and give that instead",
			disk->path, others->str);
	if (!first->number)
		return fault(error,
			"%s: it is neither a disk with a GPT or MBR nor an ext2, ext3 or ext4, or it has been cut",
			disk->path);
	return fault(
		error, "%s: no partition is an ext2, ext3 or ext4 with usr/ in it", disk->path);
}

static gboolean several(const struct disk *disk, const char *what, const GString *numbers,
	const char *why, GError **error)
{
	return fault(error,
		"%s: partitions %s could each be the %s, %s; give an image in which there is one, or a tar",
		disk->path, numbers->str, what, why);
}

/* NULL with *error. */
static const struct partition *find_root(
	const struct disk *disk, const struct look *looks, GError **error)
{
	g_autoptr(GString) numbers = g_string_new(NULL);
	const struct partition *root = NULL;
	guint count = 0;

	for (guint i = 0; i < disk->partitions->len; i++) {
		if (!looks[i].usr)
			continue;
		root = partition_at(disk, i);
		add_word(numbers, "%d", root->number);
		count++;
	}
	if (count == 1)
		return root;
	if (count)
		several(disk, "root file system", numbers, "since each has usr/", error);
	else
		no_root(disk, error);
	return NULL;
}

/* *ret_boot is NULL if there is none. One with a kernel comes before others with something. */
static gboolean find_boot(const struct disk *disk, const struct look *looks,
	const struct partition **ret_boot, GError **error)
{
	g_autoptr(GString) numbers = g_string_new(NULL);
	enum sign best = SIGN_NONE;
	guint count = 0;

	*ret_boot = NULL;
	for (guint i = 0; i < disk->partitions->len; i++)
		if (!looks[i].usr)
			best = MAX(best, looks[i].sign);
	for (guint i = 0; i < disk->partitions->len && best != SIGN_NONE; i++) {
		if (looks[i].usr || looks[i].sign != best)
			continue;
		*ret_boot = partition_at(disk, i);
		add_word(numbers, "%d", (*ret_boot)->number);
		count++;
	}
	return count < 2 ||
	       several(disk, "/boot", numbers,
		       best == SIGN_KERNEL ? "since each has a kernel" : "by their loaders' files",
		       error);
}

static gboolean read_disk(const struct disk *disk, const struct source_sink *sink, GError **error)
{
	g_autofree struct look *looks = g_new0(struct look, disk->partitions->len);
	const struct partition *root, *boot;
	struct boot context = { .sink = sink };
	const struct source_sink below = { take_boot, &context };

	for (guint i = 0; i < disk->partitions->len; i++)
		if (!look_at(disk, partition_at(disk, i), &looks[i], error))
			return FALSE;
	root = find_root(disk, looks, error);
	if (!root || !find_boot(disk, looks, &boot, error) || !read_ext(disk, root, sink, error))
		return FALSE;
	if (!boot)
		return TRUE;
	context.fat = is_fat(boot);
	return context.fat ? read_fat(disk, boot, &below, error)
			   : read_ext(disk, boot, &below, error);
}

gboolean source_read_image(const char *path, const struct source_sink *sink, GError **error)
{
	struct disk disk;
	const gboolean good = open_disk(path, &disk, error) && read_disk(&disk, sink, error);

	disk_clear(&disk);
	return good;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/typos.h"

#include <string.h>

#include "prepare-root/closest.h"
#include "prepare-root/onfail.h"

static const struct finding_kind word_unknown = { "word-unknown", FINDINGS_WARNING, false };
static const struct finding_kind onfail_invalid = { "onfail-invalid", FINDINGS_WARNING, false };
static const struct finding_kind onfail_shell = { "onfail-shell", FINDINGS_WARNING, false };

/* Of the kernel's words only those without which a deployment is not found: others may be right,
 * however close they are to a known one. */
static const char *const words[] = { "ostree", "ostree_root", "rootstock.onfail", "rootflags",
	"rootfstype", "rootwait", "rootdelay", "androidboot.slot_suffix", NULL };

static bool is_known(const char *name)
{
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(name, words[i]))
			return true;
	return false;
}

static void check_name(const struct subject *subject, const char *name)
{
	static const char ours[] = "rootstock.";
	bool is_ours = !strncmp(name, ours, strlen(ours));
	/* Other programs have words of their own, such as boot_delay, that are not much farther. */
	const char *meant = is_ours ? closest(name, words) : closest_within(1, name, words);

	if (is_known(name) || (!meant && !is_ours))
		return;
	findings_add(subject->findings, &word_unknown, subject_options(subject),
		"nothing reads the word %s", name);
	if (meant)
		findings_remedy(subject->findings, "write %s if that was meant", meant);
	else
		findings_remedy(subject->findings, "remove it; rootstock(7) names the words");
}

/* Only rootstock-init starts a shell. */
static void check_shell(const struct subject *subject)
{
	const struct initrd *initrd = subject->initrd;

	if (initrd && (initrd->shell || initrd->unread || initrd->maker != INITRD_ROOTSTOCK))
		return;
	findings_add(subject->findings, &onfail_shell, subject_options(subject),
		"rootstock.onfail=shell, and %s, so it would be panic",
		initrd ? "the initramfs has no /bin/sh" : "there is no initramfs with a shell");
	findings_remedy(
		subject->findings, "use an initramfs that rootstock-mkinitramfs --shell has made");
}

static void check_onfail(const struct subject *subject, const char *value)
{
	struct onfail onfail;

	if (!value)
		return;
	if (!onfail_parse(value, &onfail)) {
		if (onfail.action == ONFAIL_SHELL)
			check_shell(subject);
		return;
	}
	findings_add(subject->findings, &onfail_invalid, subject_options(subject),
		"rootstock.onfail=%s is not panic, reboot, reboot:SECONDS, halt or shell, so it would be panic",
		value);
	findings_remedy(subject->findings, "write one of them");
}

void typos_check(struct subject *subject)
{
	for (size_t i = 0; i < subject->cmdline->count; i++)
		check_name(subject, subject->cmdline->words[i].name);
	check_onfail(subject, subject->cmdline->onfail);
}

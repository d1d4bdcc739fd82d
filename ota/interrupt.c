/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include "ota/fault.h"

static volatile sig_atomic_t caught;

/* The signal may come just before a call that waits for ever, so that call is interrupted too. */
static void again(int number)
{
	(void)number;
	(void)alarm(1);
}

static void remember(int number)
{
	caught = number;
	(void)alarm(1);
}

void interrupt_catch(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = remember, .sa_flags = (int)SA_RESETHAND };
	struct sigaction alarmed = { .sa_handler = again };

	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
	(void)sigaction(SIGALRM, &alarmed, NULL);
}

gboolean interrupt_check(GError **error)
{
	return !caught || fault(error, "interrupted");
}

void interrupt_end(void)
{
	if (caught)
		(void)raise(caught);
}

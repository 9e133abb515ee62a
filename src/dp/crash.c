/*
 * Theory. A handler runs in the middle of anything, with locks held and the heap
 * broken, so it does not format, allocate or lock: it puts digits together in an
 * array and writes it. The frames are told as the offsets into the program and its
 * libraries, which addr2line(1) makes lines of, with the debug symbols of that version.
 *
 * A stack that is full cannot be told of: there is no second one for each thread.
 */
#include "dp/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/sanitized.h"

#define FRAMES_MAX 32

static int also = -1;

void crash_also_to(int fd)
{
	also = fd;
}

static void put_text(struct outbytes *o, const char *text)
{
	put_copy(o, text, strlen(text));
}

static void put_number(struct outbytes *o, uint64_t v, unsigned base)
{
	char digits[20];
	size_t n = sizeof digits;

	do {
		digits[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put_copy(o, digits + n, sizeof digits - n);
}

static void on_crash(int number, siginfo_t *why, void *context)
{
	void *frames[FRAMES_MAX];
	int to[] = { STDERR_FILENO, also };
	int n = backtrace(frames, FRAMES_MAX);
	uint8_t line[128];
	struct outbytes o = outbytes_of(line, sizeof line);

	put_text(&o, "crash: version=" WEIR_VERSION " signal=");
	put_number(&o, (uint64_t)number, 10);
	put_text(&o, " code=");
	/* negative: somebody sent it */
	put_text(&o, why->si_code < 0 ? "-" : "");
	put_number(&o,
		   (uint64_t)(why->si_code < 0 ? -why->si_code : why->si_code),
		   10);
	put_text(&o, " thread=");
	put_number(&o, (uint64_t)gettid(), 10);
	put_text(&o, " at=0x");
	put_number(&o, why->si_code > 0 ? (uintptr_t)why->si_addr : 0, 16);
	put_text(&o, "\n");
	/* nobody to be told if that fails */
	for (size_t i = 0; i < sizeof to / sizeof *to; i++)
		if (to[i] >= 0 && write(to[i], line, outbytes_len(&o)) > 0)
			backtrace_symbols_fd(frames, n, to[i]);
	/* SA_RESETHAND: what it would have been, once this returns */
	(void)raise(number);
}

void crash_watch(void)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
				      SIGABRT };
	struct sigaction sa = { .sa_sigaction = on_crash,
				.sa_flags = SA_SIGINFO | (int)SA_RESETHAND };
	void *here;

	(void)prctl(PR_SET_DUMPABLE, 0);
	if (SANITIZED)
		return;
	(void)backtrace(&here, 1); /* loads what it needs */
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		(void)sigaction(deadly[i], &sa, NULL);
}

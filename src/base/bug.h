/*
 * BUG_ON: our own code is wrong; always compiled in; crashes where it stands.
 * die: the program cannot start. After "ready" nobody dies, they return.
 * Neither is for input: a bad frame, message or file is an error value.
 */
#pragma once

#define BUG_ON(cond)                                          \
	do {                                                  \
		if (__builtin_expect(!!(cond), 0))            \
			bug_crash(__FILE__, __LINE__, #cond); \
	} while (0)

_Noreturn void bug_crash(const char *file, int line, const char *cond);

/* Prints "PROGRAM: message" on stderr and exits with status 1. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

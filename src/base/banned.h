/*
 * Calls nobody makes here; using one is a compile error. Every file of ours
 * gets this header by the build (-include), after the system headers that
 * declare them. Use memcpy with a checked length, snprintf, strtoul with its
 * end pointer, posix_spawn of our own programs. (strtol is refused by
 * tools/check-banned instead: <linux/bpf.h> uses the word.)
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another library's header that has these words itself (glib's): before them. */
#ifdef WEIR_BANNED_AFTER
#include WEIR_BANNED_AFTER
#endif

#undef alloca
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi
#pragma GCC poison gets alloca system popen

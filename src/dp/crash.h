/*
 * What is left of a worker that dies of a mistake: which signal, where, and the way
 * there, on standard error. No word of its memory is in it, so nothing of what
 * workloads said; for the same reason no core is written.
 */
#pragma once

/*
 * Where it is written besides, for who outlives this process: a descriptor that it
 * has, or -1. Before crash_watch().
 */
void crash_also_to(int fd);
/*
 * From here on, for all threads of the process. After the change of uid, which says
 * anew whether a core may be written; before files are out of reach (dp/sandbox.h),
 * since the way is found by a library that is loaded here.
 */
void crash_watch(void);

/*
 * The kernel programs of the in-place layout. They are loaded once for a
 * namespace, which the verifier takes milliseconds for, and pinned beside its
 * maps for the workloads that come later. For inplace.c only; one thread.
 */
#pragma once

#include <limits.h>

#include "base/err.h"

/* Path of one pin: a namespace's folder and a short name. */
#define INPLACE_PIN_MAX (PATH_MAX + 64)

enum inplace_prog {
	INPLACE_PROG_IN,   /* at a port's egress: to the workload */
	INPLACE_PROG_OUT,  /* at its ingress */
	INPLACE_PROG_BACK, /* at vth's egress */
	INPLACE_PROG__MAX,
};

struct inplace_progs {
	int fd[INPLACE_PROG__MAX]; /* owned; -1: none */
};

/*
 * Those that are pinned in dir, if they are this version's and of the maps
 * that are pinned there; else loads them around the maps, makes the maps that
 * are not there, and pins all. End with inplace_progs_close().
 */
int inplace_progs_open(const char *dir, struct inplace_progs *ret,
		       struct err *reterr);
void inplace_progs_close(struct inplace_progs *p);
/* Takes all pins of programs away; what is attached stays. */
void inplace_progs_unpin(const char *dir);

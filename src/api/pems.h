/*
 * The PEM files of the certificate and its key, read again and again although they
 * are root's: by a process that may do nothing else.
 */
#pragma once

#include "api/config.h"
#include "base/err.h"

struct pems {
	char *cert, *key; /* texts, owned */
};

/*
 * Starts that process, while we are root and have one thread. It ends when we do.
 * -errno.
 */
int pems_start(const struct api_config *c, struct err *reterr);
/*
 * What the files say now. -errno: *reterr says which cannot be read, and *ret is
 * untouched. One thread at a time.
 */
int pems_read(struct pems *ret, struct err *reterr);
void pems_stop(void);
/* Takes NULL texts; a key leaves nothing in memory. */
void pems_done(struct pems *p);

/*
 * Theory. A pin's name has the hash of the object that the programs come from:
 * another version of Weir does not find them, loads its own, and takes the old
 * pins away. Which copy of a program is attached where does not matter as long
 * as it reads the pinned maps; so that is asked of the kernel before a pinned
 * one is used, since a program with maps of its own would divert nothing.
 *
 *   dir/prog_in_HASH  dir/prog_out_HASH  dir/prog_back_HASH
 */
#include "net/inplace_progs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "bpf/inplace.skel.h"

#define PIN_PREFIX "prog_"
/* More maps than a program of ours has: seven, and constant data. */
#define MAPS_MAX 16

static const char *const names[] = { "in", "out", "back" };
_Static_assert(sizeof names / sizeof *names == INPLACE_PROG__MAX,
	       "a name for each program");

static void pin_of(const char *dir, enum inplace_prog which,
		   char ret[static INPLACE_PIN_MAX])
{
	size_t len;
	const void *object = inplace_bpf__elf_bytes(&len);

	(void)snprintf(ret, INPLACE_PIN_MAX, "%s/" PIN_PREFIX "%s_%016" PRIx64,
		       dir, names[which], (uint64_t)XXH3_64bits(object, len));
}

/* --- those that are pinned ------------------------------------------------- */

/* The id of the pinned map of endpoints; 0: there is none. */
static uint32_t eps_id(const char *dir)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof info;
	char path[INPLACE_PIN_MAX];
	int fd;

	(void)snprintf(path, sizeof path, "%s/eps", dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		info.id = 0;
	close(fd);
	return info.id;
}

static bool uses_map(int prog_fd, uint32_t map_id)
{
	uint32_t ids[MAPS_MAX];
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX,
				      .map_ids = (uintptr_t)ids };
	uint32_t len = sizeof info;

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0)
		return false;
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		if (ids[i] == map_id)
			return true;
	return false;
}

/* true: all are there, and of the pinned maps. */
static bool find(const char *dir, struct inplace_progs *ret)
{
	uint32_t eps = eps_id(dir);
	char pin[INPLACE_PIN_MAX];

	if (eps == 0)
		return false;
	for (int i = 0; i < INPLACE_PROG__MAX; i++) {
		pin_of(dir, (enum inplace_prog)i, pin);
		ret->fd[i] = bpf_obj_get(pin);
		if (ret->fd[i] < 0 || !uses_map(ret->fd[i], eps))
			return false;
	}
	return true;
}

/* --- loading --------------------------------------------------------------- */

static int set_map_pins(struct inplace_bpf *skel, const char *dir,
			struct err *reterr)
{
	char path[INPLACE_PIN_MAX];
	struct bpf_map *map;
	int rc;

	bpf_object__for_each_map(map, skel->obj)
	{
		if (strncmp(bpf_map__name(map), "inplace_", 8) != 0)
			continue; /* constant data */
		(void)snprintf(path, sizeof path, "%s/%s", dir,
			       bpf_map__name(map) + 8);
		rc = bpf_map__set_pin_path(map, path);
		if (rc < 0)
			return err_set(reterr, -rc, path, "pin a map: %s",
				       strerror(-rc));
	}
	return 0;
}

static int pin_programs(const char *dir, const struct inplace_progs *p,
			struct err *reterr)
{
	char pin[INPLACE_PIN_MAX];

	inplace_progs_unpin(dir);
	for (int i = 0; i < INPLACE_PROG__MAX; i++) {
		pin_of(dir, (enum inplace_prog)i, pin);
		/* somebody else may do the same at the same time */
		if (bpf_obj_pin(p->fd[i], pin) < 0 && errno != EEXIST)
			return err_set(reterr, errno, pin, "pin a program: %s",
				       strerror(errno));
	}
	return 0;
}

static int take_fds(const struct inplace_bpf *skel, struct inplace_progs *ret,
		    struct err *reterr)
{
	const struct bpf_program *progs[] = { skel->progs.inplace_in,
					      skel->progs.inplace_out,
					      skel->progs.inplace_back };

	for (int i = 0; i < INPLACE_PROG__MAX; i++) {
		ret->fd[i] =
			fcntl(bpf_program__fd(progs[i]), F_DUPFD_CLOEXEC, 0);
		if (ret->fd[i] < 0)
			return err_set(reterr, errno, NULL,
				       "keep a program: %s", strerror(errno));
	}
	return 0;
}

static int load(const char *dir, struct inplace_progs *ret, struct err *reterr)
{
	struct inplace_bpf *skel = inplace_bpf__open();
	int rc;

	if (!skel)
		return err_set(reterr, ENOMEM, NULL, "open the bpf object");
	rc = set_map_pins(skel, dir, reterr);
	if (rc == 0) {
		rc = inplace_bpf__load(skel);
		if (rc < 0)
			rc = err_set(
				reterr, -rc, NULL,
				"the kernel does not load the bpf programs: %s",
				strerror(-rc));
	}
	if (rc == 0)
		rc = take_fds(skel, ret, reterr);
	if (rc == 0)
		rc = pin_programs(dir, ret, reterr);
	inplace_bpf__destroy(skel);
	return rc;
}

/* --- all of it -------------------------------------------------------------- */

int inplace_progs_open(const char *dir, struct inplace_progs *ret,
		       struct err *reterr)
{
	struct inplace_progs p = { { -1, -1, -1 } };
	int rc = 0;

	if (!find(dir, &p)) {
		inplace_progs_close(&p);
		rc = load(dir, &p, reterr);
	}
	if (rc < 0)
		inplace_progs_close(&p);
	else
		*ret = p;
	return rc;
}

void inplace_progs_close(struct inplace_progs *p)
{
	for (int i = 0; i < INPLACE_PROG__MAX; i++) {
		if (p->fd[i] >= 0)
			close(p->fd[i]);
		p->fd[i] = -1;
	}
}

void inplace_progs_unpin(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, PIN_PREFIX, strlen(PIN_PREFIX)) == 0)
			(void)unlinkat(dirfd(d), e->d_name, 0); /* or gone */
	(void)closedir(d); /* it was only read */
}

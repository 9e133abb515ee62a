#include "dp/beat.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own_netns.h"
#include "bpf/inplace.h"

_Static_assert(sizeof(struct beat) == sizeof(struct inplace_dp),
	       "one value, seen from both sides");

int beat_open(const char *name, struct err *reterr)
{
	char path[PATH_MAX];
	union bpf_attr attr = { .pathname = (uintptr_t)path };
	uint64_t id;
	int fd, rc;

	if (strcmp(name, "dp") != 0 && strcmp(name, "flows") != 0 &&
	    strcmp(name, "seen") != 0)
		return err_set(reterr, EINVAL, NULL, "no such map");
	rc = own_netns_id(&id, reterr);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof path, INPLACE_PINS "/%s", id, name);
	fd = (int)syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof attr);
	if (fd < 0)
		return err_set(reterr, errno, path, "%s", strerror(errno));
	return fd;
}

struct beat *beat_map(int fd, struct err *reterr)
{
	void *p = mmap(NULL, sizeof(struct beat), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		(void)err_set(reterr, errno, NULL, "map the heartbeat: %s",
			      strerror(errno));
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

uint64_t beat_outdate(struct beat *b)
{
	uint64_t before =
		atomic_load_explicit(&b->generation, memory_order_relaxed);
	uint64_t now = clock_now().us * 1000;
	uint64_t next = now > before ? now : before + 1;

	/* seen by the kernel before what is judged anew is written */
	atomic_store_explicit(&b->generation, next, memory_order_seq_cst);
	return next;
}

void beat_unmap(struct beat *b)
{
	if (!b)
		return;
	atomic_store_explicit(&b->at_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&b->generation, 0, memory_order_relaxed);
	(void)munmap(b, sizeof *b); /* what was mapped can be unmapped */
}

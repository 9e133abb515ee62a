#include "dp/fit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/limits.h"
#include "base/limits_memory.h"
#include "base/log.h"
#include "base/sanitized.h"
#include "dp/answer.h"

/* A worker's part of what all may hold. */
static uint32_t share(uint32_t of_all, unsigned n, uint32_t at_least)
{
	uint32_t one = (of_all + n - 1) / n;

	return one > at_least ? one : at_least;
}

void fit_into(struct fit *f, uint32_t flows, unsigned workers,
	      uint64_t limit_bytes)
{
	*f = (struct fit){ .limit_bytes = limit_bytes,
			   .workers = workers,
			   .fits = true };
	f->wanted = pools_default(share(flows, workers, FLOWS_MIN));
	f->pools = f->wanted;
	if (limit_bytes)
		f->fits =
			pools_fit(&f->pools, pools_share(limit_bytes, workers));
}

static void say(const struct fit *f)
{
	unsigned long long limit_mb = f->limit_bytes >> 20;

	for (unsigned i = 0; i < POOL__MAX; i++)
		if (f->pools.n[i] < f->wanted.n[i])
			log_warn("memory: the cgroup's limit makes a table "
				 "smaller: table=%s places=%u instead_of=%u "
				 "limit_mb=%llu",
				 pool_name((enum pool)i), f->pools.n[i],
				 f->wanted.n[i], limit_mb);
	if (!f->fits)
		log_warn("memory: tables at their least may take more than the "
			 "cgroup's limit leaves for them, and then the kernel "
			 "ends who is in it: tables_mb=%llu limit_mb=%llu",
			 (unsigned long long)(pools_bytes(&f->pools) *
						      f->workers >>
					      20),
			 limit_mb);
}

void fit_find(struct fit *f, uint32_t flows, unsigned workers)
{
	uint64_t limit = 0;
	struct err err;

	if (cgroup_memory_limit("", &limit, &err) < 0)
		log_warn("memory: the cgroup's limit is not known, ignoring: "
			 "%s: %s",
			 err.at, err.text);
	fit_into(f, flows, workers, limit);
	say(f);
}

/* --- what is not a table ---------------------------------------------------- */

static void say_unbound(int code)
{
	log_warn("memory: what is not a table is not bound: %s",
		 strerror(code));
}

int fit_open(const struct fit *f)
{
	int fd;

	/* a sanitizer's shadow is counted, too */
	if (!f->limit_bytes || !f->fits || SANITIZED)
		return -1;
	fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		say_unbound(errno);
	return fd;
}

/* Private memory that can be written, whether it has been or not: its sixth number. */
static int read_data(int fd, uint64_t *ret)
{
	char text[128], *at = text;
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	unsigned long pages = 0;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	for (unsigned i = 0; i < 6; i++) {
		const char *before = at;

		pages = strtoul(at, &at, 10);
		if (at == before)
			return -EINVAL;
	}
	*ret = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

void fit_bound(const struct fit *f, int fd)
{
	uint64_t others = f->limit_bytes / MEMORY_OTHERS_SHARE, has = 0;
	struct rlimit limit;
	int rc;

	if (fd < 0)
		return;
	rc = read_data(fd, &has);
	close(fd);
	limit.rlim_cur = limit.rlim_max =
		has + others / 4 * MEMORY_GROWTH_QUARTERS;
	if (rc == 0 && setrlimit(RLIMIT_DATA, &limit) < 0)
		rc = -errno;
	if (rc < 0)
		say_unbound(-rc);
}

void answer_fit(json_t *result, const struct fit *f)
{
	json_t *o = answer_group(result, "memory"), *smaller;

	if (f->limit_bytes)
		answer_uint(o, "cgroup_limit_bytes", f->limit_bytes);
	answer_uint(o, "tables_bytes", pools_bytes(&f->pools) * f->workers);
	(void)json_object_set_new(o, "fits", json_boolean(f->fits));
	smaller = answer_group(o, "smaller");
	for (unsigned i = 0; i < POOL__MAX; i++) {
		json_t *one;

		if (f->pools.n[i] >= f->wanted.n[i])
			continue;
		one = answer_group(smaller, pool_name((enum pool)i));
		answer_uint(one, "places", f->pools.n[i]);
		answer_uint(one, "instead_of", f->wanted.n[i]);
	}
}

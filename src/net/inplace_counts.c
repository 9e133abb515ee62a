/*
 * Counters are per CPU in the map, so that counting needs no lock; what is told
 * is their sum.
 */
#include "net/inplace_counts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/bpffs.h"
#include "net/inplace.h"
#include "net/inplace_progs.h"

/* Per-CPU values: one for each possible CPU. NULL: out of memory. */
struct inplace_counts *inplace_counts_new(int *ret_cpus)
{
	int cpus = libbpf_num_possible_cpus();

	*ret_cpus = cpus;
	return cpus > 0 ? calloc((size_t)cpus, sizeof(struct inplace_counts))
			: NULL;
}

/* all: room for one port's, of so many CPUs. */
static void sum_counts_in(int map, uint32_t port, struct inplace_counts *all,
			  int cpus, struct inplace_counts *ret)
{
	memset(ret, 0, sizeof *ret);
	/* counters that cannot be read are told as zero */
	if (bpf_map_lookup_elem(map, &port, all) < 0)
		return;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (int w = 0; w < 2; w++)
			for (int i = 0; i < INPLACE_COUNTER__MAX; i++) {
				ret->frames[w][i] += all[cpu].frames[w][i];
				ret->bytes[w][i] += all[cpu].bytes[w][i];
			}
}

void inplace_counts_sum(int map, uint32_t port, struct inplace_counts *ret)
{
	int cpus;
	struct inplace_counts *all = inplace_counts_new(&cpus);

	if (all)
		sum_counts_in(map, port, all, cpus, ret);
	else
		memset(ret, 0, sizeof *ret);
	free(all);
}

int inplace_counts_of(const uint32_t *ports, size_t n,
		      struct inplace_counts *ret, struct err *reterr)
{
	char dir[PATH_MAX], path[INPLACE_PIN_MAX];
	int cpus, map = -1, rc;
	struct inplace_counts *all = inplace_counts_new(&cpus);

	memset(ret, 0, n * sizeof *ret);
	rc = all ? bpffs_dir(INPLACE_PINS, false, dir, reterr)
		 : err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc == 0) {
		(void)snprintf(path, sizeof path, "%s/count", dir);
		map = bpf_obj_get(path);
		rc = map < 0 ? err_set(reterr, errno, path, "open the map: %s",
				       strerror(errno))
			     : 0;
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		sum_counts_in(map, ports[i], all, cpus, &ret[i]);
	if (map >= 0)
		close(map);
	free(all);
	return rc == -ENOENT ? 0 : rc; /* nothing is diverted here */
}

/*
 * The maps live as long as a program that uses them is attached somewhere, so
 * nothing is pinned. Who comes later asks vbr for its program, the program for
 * its maps, and loads the programs again around those maps: the kernel shares
 * by map, and which copy of a program is attached where does not matter.
 *
 * Our filters are the ones with handle 1, priority 1 on clsact ingress of
 * devices that we made or moved; on vex, vin and vbr nobody else has any.
 */
#include "net/divert.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/divert.skel.h"

#define OUR_HANDLE   1
#define OUR_PRIORITY 1
/* More maps than a program of ours has: three, and constant data. */
#define MAPS_MAX 16

struct divert {
	struct divert_bpf *skel;
	const struct netns *ns; /* borrowed; NULL: the caller's */
};

/* One attach, query or detach, done inside the namespace. */
struct tc_call {
	uint32_t ifindex;
	int prog_fd;	  /* attach */
	uint32_t prog_id; /* query */
};

static int in_ns(const struct netns *ns,
		 int (*fn)(void *arg, struct err *reterr), struct tc_call *call,
		 struct err *reterr)
{
	return ns ? netns_call(ns, fn, call, reterr) : fn(call, reterr);
}

static int do_query(void *arg, struct err *reterr)
{
	struct tc_call *call = arg;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)call->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = OUR_HANDLE,
		    .priority = OUR_PRIORITY);
	int rc = bpf_tc_query(&hook, &opts);

	if (rc < 0)
		return err_set(reterr, ENOENT, NULL,
			       "no program of ours on ifindex %u",
			       call->ifindex);
	call->prog_id = opts.prog_id;
	return 0;
}

static int do_attach(void *arg, struct err *reterr)
{
	struct tc_call *call = arg;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)call->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = OUR_HANDLE,
		    .priority = OUR_PRIORITY, .prog_fd = call->prog_fd,
		    .flags = BPF_TC_F_REPLACE);
	int rc = bpf_tc_hook_create(&hook);

	if (rc < 0 && rc != -EEXIST)
		return err_set(reterr, -rc, NULL, "clsact qdisc: %s",
			       strerror(-rc));
	rc = bpf_tc_attach(&hook, &opts);
	if (rc < 0)
		return err_set(reterr, -rc, NULL, "attach bpf filter: %s",
			       strerror(-rc));
	return 0;
}

/* With the whole qdisc: on a device that we give back nothing stays. */
static int do_detach(void *arg, struct err *reterr)
{
	struct tc_call *call = arg;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)call->ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int rc = bpf_tc_hook_destroy(&hook);

	if (rc < 0 && rc != -ENOENT && rc != -ENODEV && rc != -EINVAL)
		return err_set(reterr, -rc, NULL, "remove clsact qdisc: %s",
			       strerror(-rc));
	return 0;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* Replaces the map's own by the one with that id, if the name is its. */
static int reuse_map(struct divert_bpf *skel, uint32_t id, unsigned *reused,
		     struct err *reterr)
{
	struct bpf_map *maps[] = { skel->maps.divert_eps, skel->maps.divert_ids,
				   skel->maps.divert_count };
	int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof info;
	int rc = 0;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0) {
		rc = err_set(reterr, errno, NULL, "read map %u: %s", id,
			     strerror(errno));
		goto out;
	}
	for (unsigned i = 0; i < sizeof maps / sizeof *maps; i++) {
		if (strcmp(info.name, bpf_map__name(maps[i])) != 0)
			continue;
		if (info.value_size != bpf_map__value_size(maps[i]) ||
		    info.key_size != bpf_map__key_size(maps[i]))
			rc = err_set(reterr, EPROTO, NULL,
				     "map %s is of another version of Weir",
				     info.name);
		else if (bpf_map__reuse_fd(maps[i], fd) < 0)
			rc = err_set(reterr, errno, NULL, "reuse map %s: %s",
				     info.name, strerror(errno));
		*reused += rc == 0;
	}
out:
	if (fd >= 0)
		close(fd);
	return rc;
}

static int adopt_maps(struct divert_bpf *skel, uint32_t prog_id,
		      struct err *reterr)
{
	uint32_t ids[MAPS_MAX], len;
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX,
				      .map_ids = (uintptr_t)ids };
	int fd = bpf_prog_get_fd_by_id(prog_id), rc = 0;
	unsigned reused = 0;

	len = sizeof info;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		rc = err_set(reterr, errno, NULL, "read program %u: %s",
			     prog_id, strerror(errno));
	if (fd >= 0)
		close(fd);
	for (uint32_t i = 0; rc == 0 && i < info.nr_map_ids && i < MAPS_MAX;
	     i++)
		rc = reuse_map(skel, ids[i], &reused, reterr);
	if (rc == 0 && reused != 3)
		rc = err_set(reterr, EPROTO, NULL,
			     "the program on vbr is not ours or of another "
			     "version of Weir");
	return rc;
}

static int load(struct divert_bpf *skel, struct err *reterr)
{
	int rc = divert_bpf__load(skel);

	if (rc < 0)
		return err_set(reterr, -rc, NULL,
			       "the kernel does not load the bpf programs: %s",
			       strerror(-rc));
	return 0;
}

int divert_open(const struct netns *ns, uint32_t vbr, bool create,
		struct divert **ret, struct err *reterr)
{
	struct tc_call call = { .ifindex = vbr };
	struct divert *d = calloc(1, sizeof *d);
	int rc;

	if (!d)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)libbpf_set_print(quiet); /* what fails is told by our own error */
	d->ns = ns;
	d->skel = divert_bpf__open();
	if (!d->skel) {
		rc = err_set(reterr, ENOMEM, NULL, "open the bpf object");
		goto err;
	}
	rc = in_ns(ns, do_query, &call, reterr);
	if (rc == 0)
		rc = adopt_maps(d->skel, call.prog_id, reterr);
	else if (rc == -ENOENT && create)
		rc = 0;
	if (rc == 0)
		rc = load(d->skel, reterr);
	if (rc < 0)
		goto err;
	*ret = d;
	return 0;
err:
	divert_free(d);
	return rc;
}

void divert_free(struct divert *d)
{
	if (!d)
		return;
	divert_bpf__destroy(d->skel);
	free(d);
}

static int map_put(struct bpf_map *map, const void *key, const void *value,
		   struct err *reterr)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) == 0)
		return 0;
	return err_set(reterr, errno == E2BIG ? ENOSPC : errno, NULL,
		       "write map %s: %s", bpf_map__name(map), strerror(errno));
}

static uint32_t mark_bits(const struct divert_endpoint *ep)
{
	return (uint32_t)ep->mark[4] << 8 | ep->mark[5];
}

/* Per-CPU values: one for each possible CPU. NULL: out of memory. */
static struct divert_counts *new_counts(int *ret_cpus)
{
	int cpus = libbpf_num_possible_cpus();

	*ret_cpus = cpus;
	return cpus > 0 ? calloc((size_t)cpus, sizeof(struct divert_counts))
			: NULL;
}

static int put_counts(struct divert *d, uint32_t id, struct err *reterr)
{
	int cpus, rc;
	struct divert_counts *zero = new_counts(&cpus);

	if (!zero)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	/* what was counted for nobody stays */
	rc = bpf_map_update_elem(bpf_map__fd(d->skel->maps.divert_count), &id,
				 zero, id ? BPF_ANY : BPF_NOEXIST);
	free(zero);
	if (rc < 0 && !(id == 0 && errno == EEXIST))
		return err_set(reterr, errno, NULL, "write counters: %s",
			       strerror(errno));
	return 0;
}

static int put_endpoint(struct divert *d, const struct divert_endpoint *ep,
			struct err *reterr)
{
	struct divert_id vin = { DIVERT_ID_VIN, ep->vin };
	struct divert_id mark = { DIVERT_ID_MARK, mark_bits(ep) };
	uint32_t owner;
	int rc;

	if (bpf_map_lookup_elem(bpf_map__fd(d->skel->maps.divert_ids), &mark,
				&owner) == 0 &&
	    owner != ep->vex)
		return err_set(reterr, EEXIST, NULL,
			       "mark %04x belongs to another workload",
			       mark_bits(ep));
	rc = put_counts(d, 0, reterr);
	if (rc == 0)
		rc = put_counts(d, ep->vex, reterr);
	if (rc == 0)
		rc = map_put(d->skel->maps.divert_eps, &ep->vex, ep, reterr);
	if (rc == 0)
		rc = map_put(d->skel->maps.divert_ids, &vin, &ep->vex, reterr);
	if (rc == 0)
		rc = map_put(d->skel->maps.divert_ids, &mark, &ep->vex, reterr);
	return rc;
}

static int attach(struct divert *d, uint32_t ifindex,
		  const struct bpf_program *prog, struct err *reterr)
{
	struct tc_call call = { .ifindex = ifindex,
				.prog_fd = bpf_program__fd(prog) };

	return in_ns(d->ns, do_attach, &call, reterr);
}

int divert_add(struct divert *d, const struct divert_endpoint *ep,
	       struct err *reterr)
{
	struct err ignored; /* the first failure is the one that is told */
	int rc = put_endpoint(d, ep, reterr);

	if (rc == 0)
		rc = attach(d, ep->vbr, d->skel->progs.divert_vbr, reterr);
	if (rc == 0)
		rc = attach(d, ep->vin, d->skel->progs.divert_vin, reterr);
	if (rc == 0)
		rc = attach(d, ep->vex, d->skel->progs.divert_vex, reterr);
	if (rc < 0 && rc != -EEXIST)
		(void)divert_del(d, ep, &ignored);
	return rc;
}

int divert_del(struct divert *d, const struct divert_endpoint *ep,
	       struct err *reterr)
{
	struct tc_call call = { .ifindex = ep->vex };
	struct divert_id vin = { DIVERT_ID_VIN, ep->vin };
	struct divert_id mark = { DIVERT_ID_MARK, mark_bits(ep) };
	int ids = bpf_map__fd(d->skel->maps.divert_ids);

	/* what is not there need not be removed */
	(void)bpf_map_delete_elem(ids, &mark);
	(void)bpf_map_delete_elem(ids, &vin);
	(void)bpf_map_delete_elem(bpf_map__fd(d->skel->maps.divert_eps),
				  &ep->vex);
	(void)bpf_map_delete_elem(bpf_map__fd(d->skel->maps.divert_count),
				  &ep->vex);
	return in_ns(d->ns, do_detach, &call, reterr);
}

static int lookup(struct divert *d, uint32_t vex, struct divert_endpoint *ret,
		  struct err *reterr)
{
	if (bpf_map_lookup_elem(bpf_map__fd(d->skel->maps.divert_eps), &vex,
				ret) < 0)
		return err_set(reterr, ENOENT, NULL,
			       "no endpoint with ifindex %u in the maps", vex);
	return 0;
}

int divert_set_mode(struct divert *d, uint32_t vex, enum divert_mode mode,
		    struct err *reterr)
{
	struct divert_endpoint ep;
	int rc = lookup(d, vex, &ep, reterr);

	if (rc < 0)
		return rc;
	ep.mode = mode;
	return map_put(d->skel->maps.divert_eps, &vex, &ep, reterr);
}

static void sum_counts(struct divert *d, uint32_t id, struct divert_counts *ret)
{
	int cpus;
	struct divert_counts *all = new_counts(&cpus);

	memset(ret, 0, sizeof *ret);
	/* counters that cannot be read are told as zero */
	if (all && bpf_map_lookup_elem(bpf_map__fd(d->skel->maps.divert_count),
				       &id, all) == 0)
		for (int cpu = 0; cpu < cpus; cpu++)
			for (int i = 0; i < DIVERT_COUNTER__MAX; i++) {
				ret->frames[i] += all[cpu].frames[i];
				ret->bytes[i] += all[cpu].bytes[i];
			}
	free(all);
}

int divert_get(struct divert *d, uint32_t vex, struct divert_endpoint *ret,
	       struct divert_counts *ret_counts, struct err *reterr)
{
	int rc = lookup(d, vex, ret, reterr);

	if (rc == 0 && ret_counts)
		sum_counts(d, vex, ret_counts);
	return rc;
}

int divert_try(uint32_t ifindex, struct err *reterr)
{
	struct divert *d = NULL;
	int rc = divert_open(NULL, ifindex, true, &d, reterr);

	if (rc < 0 || !d)
		return rc;
	rc = attach(d, ifindex, d->skel->progs.divert_vbr, reterr);
	divert_free(d);
	return rc;
}

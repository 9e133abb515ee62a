/*
 * Theory. State is the maps: who is in inplace_eps is diverted. So
 *
 *   add   find the port; vbr and vth; counters, endpoint, mark; programs on
 *         vth, on the port's egress, on its ingress
 *   del   mode pass; wait for the frames that the data plane still has; programs
 *         off; mark, endpoint, counters; vbr and vth with the last
 *
 * and whoever dies in between leaves an endpoint that the next `del` takes away,
 * or an `add` finds. A device that goes away takes its programs along; what it
 * leaves in the maps is listed without a name, and swept away by the next `add`
 * or `del` of any. Who changes something holds a lock, but not while frames are
 * waited for; the kernel frees it whatever becomes of its holder.
 *
 * The programs are pinned, too (inplace_progs.h). With the layout in use no
 * splice can be, so only the first workload looks for one.
 */
#include "net/inplace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "net/bpffs.h"
#include "net/inplace_counts.h"
#include "net/inplace_dirs.h"
#include "net/inplace_port.h"
#include "net/inplace_progs.h"
#include "net/link.h"
#include "net/splice.h"
#include "net/splice_base.h"
#include "net/splice_record.h"

/* What the maps are opened for. */
enum purpose {
	TO_LIST,   /* not locked */
	TO_CHANGE, /* locked */
	TO_ADD,	   /* locked, and with the programs; makes what is not there */
};

struct inplace {
	struct nl *nl;
	int lock; /* -1: not locked */
	char dir[PATH_MAX];
	int eps, marks, count, allow; /* the maps */
	struct inplace_progs progs;   /* when some are to be attached */
};

/* --- the set of maps and programs ---------------------------------------- */

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static void inplace_close(struct inplace *ip)
{
	if (ip->eps >= 0)
		close(ip->eps);
	if (ip->marks >= 0)
		close(ip->marks);
	if (ip->count >= 0)
		close(ip->count);
	if (ip->allow >= 0)
		close(ip->allow);
	inplace_progs_close(&ip->progs);
	nl_free(ip->nl);
	if (ip->lock >= 0)
		close(ip->lock);
}

static int open_map(const struct inplace *ip, const char *name, int *ret,
		    struct err *reterr)
{
	char path[INPLACE_PIN_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", ip->dir, name);
	*ret = bpf_obj_get(path);
	if (*ret >= 0)
		return 0;
	return err_set(reterr, errno, path, "open the map: %s",
		       strerror(errno));
}

static int lock(struct inplace *ip, bool create, struct err *reterr)
{
	int fd = bpffs_lock(create, reterr);

	if (fd < 0)
		return fd;
	ip->lock = fd;
	return 0;
}

static void unlock(struct inplace *ip)
{
	close(ip->lock);
	ip->lock = -1;
}

/* End with inplace_close(). -ENOENT, but TO_ADD: nothing is diverted here. */
static int inplace_open(enum purpose purpose, struct inplace *ret,
			struct err *reterr)
{
	struct inplace ip = { .lock = -1,
			      .eps = -1,
			      .marks = -1,
			      .count = -1,
			      .allow = -1,
			      .progs = { { -1, -1, -1 } } };
	bool create = purpose == TO_ADD;
	int rc = purpose == TO_LIST ? 0 : lock(&ip, create, reterr);

	(void)libbpf_set_print(quiet); /* what fails is told by our own error */
	if (rc == 0)
		rc = bpffs_dir(INPLACE_PINS, create, ip.dir, reterr);
	if (rc == 0)
		rc = nl_open(NULL, &ip.nl, reterr);
	if (rc == 0 && create)
		rc = inplace_dirs_check(ip.dir, reterr);
	if (rc == 0 && create)
		rc = inplace_progs_open(ip.dir, &ip.progs, reterr);
	if (rc == 0)
		rc = open_map(&ip, "eps", &ip.eps, reterr);
	if (rc == 0)
		rc = open_map(&ip, "marks", &ip.marks, reterr);
	if (rc == 0)
		rc = open_map(&ip, "count", &ip.count, reterr);
	if (rc == 0)
		rc = open_map(&ip, "allow", &ip.allow, reterr);
	if (rc < 0 && create && ip.dir[0])
		bpffs_remove_dir(ip.dir); /* if it was made for this */
	if (rc < 0)
		inplace_close(&ip);
	else
		*ret = ip;
	return rc;
}

static int map_put(int fd, const char *name, const void *key, const void *value,
		   uint64_t how, struct err *reterr)
{
	if (bpf_map_update_elem(fd, key, value, how) == 0)
		return 0;
	return err_set(reterr, errno == E2BIG ? ENOSPC : errno, NULL,
		       "write map %s: %s", name, strerror(errno));
}

static uint32_t mark_bits(const struct inplace_endpoint *ep)
{
	return (uint32_t)ep->mark[4] << 8 | ep->mark[5];
}

/* --- counters --------------------------------------------------------------- */

static int put_counts(struct inplace *ip, uint32_t port, struct err *reterr)
{
	int cpus, rc;
	struct inplace_counts *zero = inplace_counts_new(&cpus);

	if (!zero)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	/* what was counted for nobody stays */
	rc = map_put(ip->count, "count", &port, zero,
		     port ? BPF_ANY : BPF_NOEXIST, reterr);
	free(zero);
	return rc == -EEXIST && port == 0 ? 0 : rc;
}

/* --- attaching ---------------------------------------------------------------- */

static struct hook hook_at(const struct inplace *ip, uint32_t ifindex,
			   enum hook_side side,
			   char pin[static INPLACE_PIN_MAX])
{
	(void)snprintf(pin, INPLACE_PIN_MAX, "%s/link_%u_%s", ip->dir, ifindex,
		       side == HOOK_INGRESS ? "ingress" : "egress");
	return (struct hook){ ifindex, side, pin };
}

static int attach(const struct inplace *ip, uint32_t ifindex,
		  enum hook_side side, enum inplace_prog prog, bool only_clsact,
		  bool *ret_made, struct err *reterr)
{
	char pin[INPLACE_PIN_MAX];
	struct hook h = hook_at(ip, ifindex, side, pin);

	if (hook_find(&h) == HOOK_TCX)
		(void)hook_detach(ip->nl, &h, false, NULL); /* then replaced */
	return hook_attach(&h, ip->progs.fd[prog], only_clsact, ret_made,
			   reterr);
}

static int detach(const struct inplace *ip, uint32_t ifindex,
		  enum hook_side side, bool with_qdisc, struct err *reterr)
{
	char pin[INPLACE_PIN_MAX];
	struct hook h = hook_at(ip, ifindex, side, pin);

	return hook_detach(ip->nl, &h, with_qdisc, reterr);
}

/* Is vth attended to? A pin may have outlived it. */
static bool has_vth_program(const struct inplace *ip, uint32_t vth)
{
	char pin[INPLACE_PIN_MAX];
	struct hook h = hook_at(ip, vth, HOOK_EGRESS, pin);

	return hook_find(&h) != HOOK_NONE;
}

/* Are both sides of a port? */
static bool is_attached(const struct inplace *ip, uint32_t port)
{
	char pin[INPLACE_PIN_MAX];
	struct hook in = hook_at(ip, port, HOOK_EGRESS, pin);
	bool both = hook_find(&in) != HOOK_NONE;

	in = hook_at(ip, port, HOOK_INGRESS, pin);
	return both && hook_find(&in) != HOOK_NONE;
}

static int attach_all(struct inplace *ip, const struct inplace_spec *spec,
		      uint32_t port, struct inplace_endpoint *ep,
		      struct err *reterr)
{
	bool made = false, ignored;
	int rc = 0;

	if (!has_vth_program(ip, ep->vth))
		rc = attach(ip, ep->vth, HOOK_EGRESS, INPLACE_PROG_BACK,
			    spec->only_clsact, &ignored, reterr);
	if (rc == 0)
		rc = attach(ip, port, HOOK_EGRESS, INPLACE_PROG_IN,
			    spec->only_clsact, &made, reterr);
	if (rc == 0)
		rc = attach(ip, port, HOOK_INGRESS, INPLACE_PROG_OUT,
			    spec->only_clsact, &made, reterr);
	if (rc < 0 || !made)
		return rc;
	ep->qdisc = 1;
	return map_put(ip->eps, "eps", &port, ep, BPF_EXIST, reterr);
}

/* --- add ------------------------------------------------------------------------ */

static int pick_mark(const struct inplace *ip, const struct inplace_spec *spec,
		     uint32_t port, uint32_t *ret, struct err *reterr)
{
	uint32_t owner, first = spec->mark == INPLACE_MARK_AUTO
					? port & 0xffff
					: (uint32_t)spec->mark;
	/* more tries than there are workloads */
	uint32_t tries =
		spec->mark == INPLACE_MARK_AUTO ? INPLACE_ENDPOINTS_MAX + 1 : 1;
	uint32_t mark = first;

	for (; tries > 0; tries--, mark = (mark + 1) & 0xffff)
		if (bpf_map_lookup_elem(ip->marks, &mark, &owner) < 0) {
			*ret = mark;
			return 0;
		}
	return err_set(reterr, EEXIST, "--mark",
		       "mark %04x belongs to another workload", first);
}

static void fill_hook(const struct inplace *ip, uint32_t port,
		      enum hook_side side, enum inplace_way way,
		      struct inplace_stat *ret)
{
	char pin[INPLACE_PIN_MAX];
	struct hook h = hook_at(ip, port, side, pin);

	ret->hooks[way] = hook_find(&h);
	ret->first[way] = hook_is_first(&h);
}

static void fill_stat(const struct inplace *ip, uint32_t port,
		      const struct inplace_endpoint *ep,
		      struct inplace_stat *ret)
{
	struct link_stat l;

	*ret = (struct inplace_stat){ .ifindex = port, .ep = *ep };
	if (link_get_index(ip->nl, port, &l, NULL) == 0)
		memcpy(ret->dev, l.name, sizeof ret->dev);
	splice_marks((uint16_t)mark_bits(ep), &ret->ucmac, &ret->bcmac);
	fill_hook(ip, port, HOOK_EGRESS, INPLACE_IN, ret);
	fill_hook(ip, port, HOOK_INGRESS, INPLACE_OUT, ret);
	inplace_allow_get(ip->allow, port, &ret->allow);
	inplace_counts_sum(ip->count, port, &ret->counts);
}

/* Everything of an endpoint, whatever of it there is. */
static int take_away(const struct inplace *ip, uint32_t port,
		     const struct inplace_endpoint *ep, struct err *reterr)
{
	static const struct inplace_allow nobody = { .n = 0 };
	uint32_t mark = mark_bits(ep), owner;
	int rc = detach(ip, port, HOOK_INGRESS, false, reterr);
	int rc2 = detach(ip, port, HOOK_EGRESS, ep->qdisc,
			 rc < 0 ? NULL : reterr);

	/* what is not there need not be removed */
	if (bpf_map_lookup_elem(ip->marks, &mark, &owner) == 0 && owner == port)
		(void)bpf_map_delete_elem(ip->marks, &mark);
	(void)bpf_map_delete_elem(ip->eps, &port);
	(void)bpf_map_delete_elem(ip->count, &port);
	(void)inplace_allow_put(ip->allow, port, &nobody, NULL);
	return rc < 0 ? rc : rc2;
}

/* vbr and vth have either the programs of this layout or those of the other. */
static int check_no_splice(struct err *reterr)
{
	struct splice_stat *list = NULL;
	char dir[PATH_MAX];
	size_t n = 0;
	int rc = bpffs_dir(INPLACE_PINS, false, dir, reterr);

	if (rc == 0) /* in use, so a splice has been refused */
		return 0;
	if (rc != -ENOENT)
		return rc;
	rc = splice_list("/proc/self/ns/net", &list, &n, reterr);
	free(list);
	if (rc == 0 && n > 0)
		rc = err_set(reterr, EBUSY, SPLICE_VBR,
			     "workloads are spliced through this namespace; "
			     "in place works from another, or after weir "
			     "splice down --all");
	return rc;
}

/* vbr and vth, and all pins, when nobody is left. */
static int end_if_empty(struct inplace *ip, struct err *reterr)
{
	static const char *const pins[] = { "eps", "marks", "count", "allow",
					    "dp",  "flows", "seen" };
	char path[INPLACE_PIN_MAX];
	uint32_t first, vth;
	int rc = 0;

	if (bpf_map_get_next_key(ip->eps, NULL, &first) == 0)
		return 0;
	if (link_index(ip->nl, SPLICE_VTH, &vth, NULL) == 0)
		rc = detach(ip, vth, HOOK_EGRESS, false, reterr);
	if (rc == 0)
		rc = base_remove(ip->nl, NULL, reterr);
	inplace_progs_unpin(ip->dir);
	for (size_t i = 0; i < sizeof pins / sizeof *pins; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", ip->dir, pins[i]);
		(void)unlink(path); /* or it was not there */
	}
	bpffs_remove_dir(ip->dir);
	return rc;
}

static int put_endpoint(struct inplace *ip, uint32_t port,
			const struct inplace_endpoint *ep,
			const struct inplace_allow *allow, struct err *reterr)
{
	uint32_t mark = mark_bits(ep);
	int rc = put_counts(ip, 0, reterr);

	if (rc == 0) /* also what is left of a port of that number */
		rc = inplace_allow_put(ip->allow, port, allow, reterr);
	if (rc == 0)
		rc = put_counts(ip, port, reterr);
	if (rc == 0)
		rc = map_put(ip->eps, "eps", &port, ep, BPF_NOEXIST, reterr);
	if (rc == 0)
		rc = map_put(ip->marks, "marks", &mark, &port, BPF_NOEXIST,
			     reterr);
	return rc;
}

/* Only what is judged has to be known by its MAC. */
static bool needs_mac(uint8_t mode)
{
	return mode == INPLACE_TAP || mode == INPLACE_INLINE;
}

static int check_new(const struct inplace *ip, const struct inplace_spec *spec,
		     const struct inplace_found *p, struct inplace_stat *ret,
		     struct mac *ret_mac, struct err *reterr)
{
	struct inplace_endpoint ep;

	if (bpf_map_lookup_elem(ip->eps, &p->host.ifindex, &ep) == 0) {
		if (is_attached(ip, p->host.ifindex)) {
			fill_stat(ip, p->host.ifindex, &ep, ret);
			return err_set(reterr, EALREADY, "--dev",
				       "%s is diverted already", p->host.name);
		}
		/* an `add` that was killed, or another device's number */
		(void)take_away(ip, p->host.ifindex, &ep, NULL);
	}
	*ret_mac = mac_is_zero(spec->mac) ? p->mac : spec->mac;
	if (mac_is_zero(*ret_mac) &&
	    (!spec->mac_later || needs_mac((uint8_t)spec->mode)))
		return err_set(reterr, EINVAL, "--mac",
			       "say the MAC of who is behind %s", p->host.name);
	if (p->host.group == SPLICE_GROUP)
		return err_set(reterr, EINVAL, "--dev", "%s is Weir's own",
			       p->host.name);
	return 0;
}

static int find_pins(void *arg, struct err *reterr)
{
	char dir[PATH_MAX];

	return bpffs_dir(INPLACE_PINS, false, dir, reterr);
}

bool inplace_is_used(const struct netns *ns)
{
	struct err ignored; /* who cannot enter it cannot splice there either */

	return netns_call(ns, find_pins, NULL, &ignored) == 0;
}

/* Is there no device of that number? fd: any socket; netlink takes longer. */
static bool is_gone(int fd, uint32_t port)
{
	struct ifreq r = { .ifr_ifindex = (int)port };

	return ioctl(fd, SIOCGIFNAME, &r) < 0 && errno == ENODEV;
}

/* What devices that are gone have left. */
static void sweep(struct inplace *ip)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t port, *before = NULL;
	struct inplace_endpoint ep;

	/* a sweep that cannot be done now is done by the next one */
	while (fd >= 0 && bpf_map_get_next_key(ip->eps, before, &port) == 0) {
		before = &port;
		if (is_gone(fd, port) &&
		    bpf_map_lookup_elem(ip->eps, &port, &ep) == 0) {
			(void)take_away(ip, port, &ep, NULL);
			/* a key that is gone is no place to go on from */
			if (bpf_map_lookup_elem(ip->eps, &port, &ep) < 0)
				before = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
}

/*
 * Who adds a thousand does not look at all those before a thousand times. What
 * is left meanwhile is in nobody's way: a port of its number takes it over.
 */
static void sweep_now_and_then(struct inplace *ip)
{
	static usec_t last; /* of this process */
	usec_t now = clock_now();

	if (last.us && usec_since(now, last) < USEC_PER_SEC)
		return;
	last = now;
	sweep(ip);
}

static int add(struct inplace *ip, const struct inplace_spec *spec,
	       struct inplace_stat *ret, struct err *reterr)
{
	struct inplace_found p = { 0 };
	struct mac mac = { { 0 } }, ucmac, bcmac;
	struct inplace_endpoint ep = { 0 };
	uint32_t mark = 0, vbr;
	bool made;
	int rc;

	sweep_now_and_then(ip);
	rc = inplace_find_port(ip->nl, &spec->port, &p, reterr);
	if (rc == 0)
		rc = check_new(ip, spec, &p, ret, &mac, reterr);
	if (rc == 0)
		rc = pick_mark(ip, spec, p.host.ifindex, &mark, reterr);
	if (rc == 0)
		rc = base_ensure(ip->nl, p.host.mtu, &vbr, &made, reterr);
	if (rc == 0)
		rc = link_index(ip->nl, SPLICE_VTH, &ep.vth, reterr);
	if (rc < 0)
		return rc;
	splice_marks((uint16_t)mark, &ucmac, &bcmac);
	memcpy(ep.mac, mac.b, sizeof ep.mac);
	memcpy(ep.mark, ucmac.b, sizeof ep.mark);
	ep.mode = (uint8_t)spec->mode;
	ep.failure = (uint8_t)spec->failure;
	ep.hold = (uint8_t)spec->hold;
	ep.only_ip = spec->only_ip;
	rc = put_endpoint(ip, p.host.ifindex, &ep, &spec->allow, reterr);
	if (rc == 0)
		rc = attach_all(ip, spec, p.host.ifindex, &ep, reterr);
	if (rc < 0)
		(void)take_away(ip, p.host.ifindex, &ep, NULL);
	else
		fill_stat(ip, p.host.ifindex, &ep, ret);
	return rc;
}

int inplace_add(const struct inplace_spec *spec, struct inplace_stat *ret,
		struct err *reterr)
{
	struct inplace ip = { .eps = -1 };
	int rc = check_no_splice(reterr);

	if (rc == 0)
		rc = inplace_open(TO_ADD, &ip, reterr);
	if (rc < 0)
		return rc;
	rc = add(&ip, spec, ret, reterr);
	if (rc < 0)
		(void)end_if_empty(&ip, NULL); /* the first failure is told */
	inplace_close(&ip);
	return rc;
}

/* --- del, mode, list -------------------------------------------------------------- */

/* How long frames are waited for that the data plane has, and in which steps. */
#define DRAIN_STEPS   25
#define DRAIN_STEP_MS 20

static uint64_t came_back_to(const struct inplace *ip, uint32_t port)
{
	struct inplace_counts c;

	inplace_counts_sum(ip->count, port, &c);
	return c.frames[INPLACE_IN][INPLACE_COUNT_FROM_DP] +
	       c.frames[INPLACE_OUT][INPLACE_COUNT_FROM_DP];
}

/* To one port; 0: to all. */
static uint64_t came_back(const struct inplace *ip, uint32_t port)
{
	uint32_t at, *before = NULL;
	uint64_t sum = 0;

	if (port)
		return came_back_to(ip, port);
	for (; bpf_map_get_next_key(ip->eps, before, &at) == 0; before = &at)
		sum += came_back_to(ip, at);
	return sum;
}

static int change(struct inplace *ip, uint32_t port,
		  struct inplace_endpoint *ep, const struct inplace_change *c,
		  struct err *reterr)
{
	static const struct mac no_mac = { { 0 } };
	int rc = c->allow ? inplace_allow_put(ip->allow, port, c->allow, reterr)
			  : 0;

	if (rc < 0)
		return rc;
	if (c->mode >= 0)
		ep->mode = (uint8_t)c->mode;
	if (c->failure >= 0)
		ep->failure = (uint8_t)c->failure;
	if (c->hold >= 0)
		ep->hold = (uint8_t)c->hold;
	if (c->only_ip >= 0)
		ep->only_ip = (uint8_t)c->only_ip;
	if (c->mac)
		memcpy(ep->mac, c->mac->b, sizeof ep->mac);
	if (memcmp(ep->mac, no_mac.b, sizeof ep->mac) == 0 &&
	    needs_mac(ep->mode))
		return err_set(reterr, EINVAL, "--mac",
			       "who is behind it is not known yet");
	return map_put(ip->eps, "eps", &port, ep, BPF_EXIST, reterr);
}

/* Frames that are with the data plane come back; of one port, 0: of all. */
static void wait_for_frames(const struct inplace *ip, uint32_t port)
{
	uint64_t before, now = came_back(ip, port);

	for (int i = 0; i < DRAIN_STEPS; i++) {
		before = now;
		(void)poll(NULL, 0, DRAIN_STEP_MS);
		now = came_back(ip, port);
		if (now == before)
			break;
	}
}

/* No new ones go there. true: some may be there. */
static bool shut_off(struct inplace *ip, uint32_t port,
		     struct inplace_endpoint *ep)
{
	struct inplace_change pass = INPLACE_CHANGE_NOTHING;

	if (ep->mode != INPLACE_INLINE)
		return false;
	pass.mode = INPLACE_PASS;
	/* what is there can be written; else it is gone a moment later */
	(void)change(ip, port, ep, &pass, NULL);
	return true;
}

/* As wait_for_frames(), with the lock for others in between. */
static int drain(struct inplace *ip, uint32_t port, struct err *reterr)
{
	unlock(ip);
	wait_for_frames(ip, port);
	return lock(ip, false, reterr);
}

int inplace_sweep(struct err *reterr)
{
	struct inplace ip = { .eps = -1 };
	int rc = inplace_open(TO_CHANGE, &ip, reterr);

	if (rc < 0)
		return rc;
	sweep(&ip);
	inplace_close(&ip);
	return 0;
}

static int find_endpoint(const struct inplace *ip,
			 const struct inplace_port *at, uint32_t *ret_port,
			 struct inplace_endpoint *ret, struct err *reterr)
{
	struct inplace_found p = { 0 };
	int rc = inplace_find_port(ip->nl, at, &p, reterr);

	if (rc < 0)
		return rc;
	if (bpf_map_lookup_elem(ip->eps, &p.host.ifindex, ret) < 0)
		return err_set(reterr, ENOENT, "--dev", "%s is not diverted",
			       p.host.name);
	*ret_port = p.host.ifindex;
	return 0;
}

static int del(struct inplace *ip, const struct inplace_port *port,
	       struct err *reterr)
{
	struct inplace_endpoint ep = { 0 };
	uint32_t ifindex = 0;
	int rc = find_endpoint(ip, port, &ifindex, &ep, reterr);

	if (rc == 0 && shut_off(ip, ifindex, &ep)) {
		rc = drain(ip, ifindex, reterr);
		if (rc == 0) /* somebody else may have been quicker */
			rc = find_endpoint(ip, port, &ifindex, &ep, reterr);
	}
	if (rc == 0)
		rc = take_away(ip, ifindex, &ep, reterr);
	return rc;
}

int inplace_del(const struct inplace_port *port, struct err *reterr)
{
	struct inplace ip = { .eps = -1 };
	struct err err;
	int rc = inplace_open(TO_CHANGE, &ip, reterr), rc2;

	if (rc < 0)
		return rc;
	rc = del(&ip, port, reterr);
	if (ip.lock < 0) { /* and it was not had again */
		inplace_close(&ip);
		return rc;
	}
	sweep(&ip);
	rc2 = end_if_empty(&ip, &err);
	if (rc == 0 && rc2 < 0) {
		rc = rc2;
		*reterr = err;
	}
	inplace_close(&ip);
	return rc;
}

/* No new frames of any go to the data plane; those that are there come back. */
static int drain_all(struct inplace *ip, struct err *reterr)
{
	uint32_t port, *before = NULL;
	struct inplace_endpoint ep;
	bool some = false;

	for (; bpf_map_get_next_key(ip->eps, before, &port) == 0;
	     before = &port)
		if (bpf_map_lookup_elem(ip->eps, &port, &ep) == 0)
			some |= shut_off(ip, port, &ep);
	return some ? drain(ip, 0, reterr) : 0;
}

int inplace_del_all(struct err *reterr)
{
	struct inplace_endpoint ep;
	struct inplace ip = { .eps = -1 };
	uint32_t port;
	int rc = inplace_open(TO_CHANGE, &ip, reterr), rc2;

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = drain_all(&ip, reterr);
	while (ip.lock >= 0 && bpf_map_get_next_key(ip.eps, NULL, &port) == 0 &&
	       bpf_map_lookup_elem(ip.eps, &port, &ep) == 0) {
		rc2 = take_away(&ip, port, &ep, rc < 0 ? NULL : reterr);
		rc = rc < 0 ? rc : rc2;
	}
	if (rc == 0)
		rc = end_if_empty(&ip, reterr);
	inplace_close(&ip);
	return rc == -ENOENT ? 0 : rc; /* somebody else was quicker */
}

int inplace_set(const struct inplace_port *port, const struct inplace_change *c,
		struct err *reterr)
{
	struct inplace_endpoint ep = { 0 };
	struct inplace ip = { .eps = -1 };
	uint32_t ifindex = 0;
	int rc = inplace_open(TO_CHANGE, &ip, reterr);

	if (rc < 0)
		return rc;
	rc = find_endpoint(&ip, port, &ifindex, &ep, reterr);
	if (rc == 0)
		rc = change(&ip, ifindex, &ep, c, reterr);
	inplace_close(&ip);
	return rc;
}

/* All of them, or none: who is left out would be taken for not diverted. */
static int list_all(const struct inplace *ip, struct inplace_stat *list,
		    size_t *ret_n, struct err *reterr)
{
	struct inplace_endpoint ep;
	uint32_t port, *before = NULL;
	size_t n = 0;

	while (n < INPLACE_ENDPOINTS_MAX &&
	       bpf_map_get_next_key(ip->eps, before, &port) == 0) {
		before = &port;
		if (bpf_map_lookup_elem(ip->eps, &port, &ep) == 0)
			fill_stat(ip, port, &ep, &list[n++]);
		else if (errno != ENOENT)
			break;
	}
	if (n < INPLACE_ENDPOINTS_MAX && errno != ENOENT)
		return err_set(reterr, errno, NULL, "who is diverted: %s",
			       strerror(errno));
	*ret_n = n;
	return 0;
}

int inplace_list(struct inplace_stat **ret, size_t *ret_n, struct err *reterr)
{
	struct inplace_stat *list;
	struct inplace ip = { .eps = -1 };
	size_t n = 0;
	int rc = inplace_open(TO_LIST, &ip, reterr);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	list = calloc(INPLACE_ENDPOINTS_MAX, sizeof *list);
	if (!list) {
		if (rc == 0)
			inplace_close(&ip);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (rc == 0) {
		rc = list_all(&ip, list, &n, reterr);
		inplace_close(&ip);
		if (rc < 0) {
			free(list);
			return rc;
		}
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

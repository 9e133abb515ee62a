/*
 * Programs of tc on a device: TCX, asked by bpf(2), and filters on clsact, by
 * rtnetlink. Weir's own are known by their maps' prefix in the program's name:
 * the objects' functions are called inplace_* and divert_*.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "doctor/checks.h"
#include "net/nl.h"

/* The kernel's numbers (6.6), newer than the headers that we build with. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47
/* As many as the kernel attaches to one side. */
#define TCX_MAX 64

/* What bpf(BPF_PROG_QUERY) reads and writes for TCX. */
struct tcx_query {
	uint32_t ifindex, attach_type, query_flags, attach_flags;
	uint64_t ids;
	uint32_t count, zero;
	uint64_t more[4];
};

static bool is_ours(const char *name)
{
	return strncmp(name, "inplace_", 8) == 0 ||
	       strncmp(name, "divert_", 7) == 0;
}

static void add_name(json_t *names, const char *name)
{
	const json_t *v;
	size_t n;

	json_array_foreach (names, n, v)
		if (strcmp(json_string_value(v), name) == 0)
			return;
	if (n < DOCTOR_NAMES_MAX)
		/* out of memory: one name less is told */
		(void)json_array_append_new(names, json_string(name));
}

/* Of a program by its number; "" where that cannot be asked. */
static void name_of(uint32_t id, char ret[static BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof info;
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		info.name[0] = '\0';
	memcpy(ret, info.name, BPF_OBJ_NAME_LEN);
	if (fd >= 0)
		close(fd);
}

static int count_tcx(uint32_t ifindex, uint32_t side,
		     struct device_programs *ret, json_t *names)
{
	uint32_t ids[TCX_MAX] = { 0 };
	struct tcx_query q = { .ifindex = ifindex,
			       .attach_type = side,
			       .ids = (uintptr_t)ids,
			       .count = TCX_MAX };

	if (syscall(SYS_bpf, BPF_PROG_QUERY, &q, sizeof q) < 0)
		return errno == EINVAL ? 0 : -errno; /* no TCX: none there */
	for (uint32_t k = 0; k < q.count && k < TCX_MAX; k++) {
		char name[BPF_OBJ_NAME_LEN];

		name_of(ids[k], name);
		if (is_ours(name))
			continue;
		ret->tcx++;
		add_name(names, name);
	}
	return 0;
}

struct filters {
	struct device_programs *ret;
	json_t *names;
};

static int take_option(const struct nlattr *a, void *arg)
{
	struct filters *f = arg;

	if (mnl_attr_get_type(a) == TCA_BPF_NAME &&
	    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0) {
		const char *name = mnl_attr_get_str(a);

		if (is_ours(name))
			return MNL_CB_OK;
		f->ret->clsact++;
		add_name(f->names, name);
	}
	return MNL_CB_OK;
}

static int take_attr(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == TCA_OPTIONS)
		(void)mnl_attr_parse_nested(a, take_option, arg);
	return MNL_CB_OK;
}

static int take_filter(const struct nlmsghdr *msg, void *arg)
{
	(void)mnl_attr_parse(msg, sizeof(struct tcmsg), take_attr, arg);
	return 0;
}

static int count_clsact(struct nl *nl, uint32_t ifindex, uint32_t parent,
			struct filters *f, struct err *reterr)
{
	char buf[NL_REQUEST_MAX];
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct tcmsg *t;

	req->nlmsg_type = RTM_GETTFILTER;
	t = mnl_nlmsg_put_extra_header(req, sizeof *t);
	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = (int)ifindex;
	t->tcm_parent = parent;
	return nl_dump(nl, req, take_filter, f, "list filters", reterr);
}

int device_programs(uint32_t ifindex, struct device_programs *ret,
		    json_t *names, struct err *reterr)
{
	struct filters f = { ret, names };
	struct nl *nl = NULL;
	int rc = nl_open(NULL, &nl, reterr);

	if (rc < 0)
		return rc;
	rc = count_tcx(ifindex, TCX_INGRESS, ret, names);
	if (rc == 0)
		rc = count_tcx(ifindex, TCX_EGRESS, ret, names);
	/* no clsact there: none */
	(void)count_clsact(nl, ifindex,
			   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), &f,
			   reterr);
	(void)count_clsact(nl, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
			   &f, reterr);
	nl_free(nl);
	return rc;
}

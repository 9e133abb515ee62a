/*
 * Whose network this is: what CNI's configuration says, what devices there are, and who
 * else has programs on them. What Weir does there follows from the kind of the
 * devices, and is tried above; here is told which it is.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "doctor/checks.h"
#include "net/link.h"

#define CNI_DIR "/etc/cni/net.d"

#define VETH_MEANS "pods have a veth: diverted in place at the host's end"
#define NO_HOST_SIDE                                                     \
	"its ports have no host's side: Weir moves them (weir splice, "  \
	"guard.splice: auto), which the workload's network feels for a " \
	"moment"

/* limits: table */
static const struct cni_kind kinds[] = {
	{ "bridge", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "ptp", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "flannel", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "kindnet", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "weave-net", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "antrea", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "kube-router", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "aws-cni", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "azure-vnet", DOCTOR_GOOD, VETH_MEANS, NULL },
	{ "calico", DOCTOR_GOOD,
	  VETH_MEANS "; Calico's own programs (its eBPF data plane) are asked "
		     "after Weir's",
	  NULL },
	{ "cilium-cni", DOCTOR_LIMITED,
	  VETH_MEANS ", before Cilium's programs there. What Cilium hands to "
		     "a pod without its veth's queue (eBPF host routing: "
		     "bpf_redirect_peer) goes past Weir on its way in",
	  "turn eBPF host routing off (bpf.hostLegacyRouting: true), and leave "
	  "pods on veth, not netkit (bpf.datapathMode: veth); then see with "
	  "weir flows that both directions are there (not tried with Cilium "
	  "itself)" },
	{ "macvlan", DOCTOR_LIMITED, NO_HOST_SIDE, NULL },
	{ "ipvlan", DOCTOR_LIMITED, NO_HOST_SIDE, NULL },
	{ "host-device", DOCTOR_LIMITED, NO_HOST_SIDE, NULL },
	{ "vlan", DOCTOR_LIMITED, NO_HOST_SIDE, NULL },
	{ "sriov", DOCTOR_LIMITED, NO_HOST_SIDE, NULL },
	{ "multus", DOCTOR_GOOD,
	  "several ports a pod: each is diverted as its own kind can be",
	  NULL },
	{ "weir-cni", DOCTOR_GOOD,
	  "ports are guarded before the container starts", NULL },
	/* these add nothing that frames go through */
	{ "portmap", DOCTOR_GOOD, NULL, NULL },
	{ "bandwidth", DOCTOR_GOOD, NULL, NULL },
	{ "firewall", DOCTOR_GOOD, NULL, NULL },
	{ "tuning", DOCTOR_GOOD, NULL, NULL },
	{ "loopback", DOCTOR_GOOD, NULL, NULL },
	{ "dhcp", DOCTOR_GOOD, NULL, NULL },
};

const struct cni_kind *cni_kind_of(const char *type)
{
	for (size_t n = 0; n < sizeof kinds / sizeof *kinds; n++)
		if (strcmp(kinds[n].type, type) == 0)
			return &kinds[n];
	return NULL;
}

json_t *cni_read(const char *text, size_t len, struct err *reterr)
{
	json_error_t e;
	json_t *o = json_loadb(text, len, 0, &e), *types, *v;
	const json_t *plugins = json_object_get(o, "plugins");
	size_t n;

	if (!json_is_object(o)) {
		json_decref(o);
		(void)err_set(reterr, EINVAL, NULL, "line %d: %.120s", e.line,
			      o ? "expected an object" : e.text);
		return NULL;
	}
	types = json_array();
	json_array_foreach (plugins, n, v)
		if (json_is_string(json_object_get(v, "type")))
			(void)json_array_append(types,
						json_object_get(v, "type"));
	if (!plugins && json_is_string(json_object_get(o, "type")))
		(void)json_array_append(types, json_object_get(o, "type"));
	json_decref(o);
	if (json_array_size(types) > 0)
		return types;
	json_decref(types);
	(void)err_set(reterr, EINVAL, NULL, "it names no plugin");
	return NULL;
}

/* --- configuration ---------------------------------------------------------------- */

static void tell_type(struct doctor *d, const char *file, const char *type)
{
	const struct cni_kind *k = cni_kind_of(type);
	struct doctor_check c = { .name = file };

	if (k) {
		c.result = k->result;
		c.means = k->means;
		c.todo = k->todo;
	} else {
		c.result = DOCTOR_NOT_LOOKED;
		c.means = "what devices it makes is not known here; the "
			  "devices below say it";
	}
	doctor_tell(d, &c, "%.60s", type);
}

static void tell_chain(struct doctor *d, const json_t *types, const char *file)
{
	const json_t *v;
	bool hooked = false;
	size_t n;

	json_array_foreach (types, n, v) {
		tell_type(d, file, json_string_value(v));
		hooked |= strcmp(json_string_value(v), "weir-cni") == 0;
	}
	if (hooked)
		return;
	doctor_tell(d,
		    &(struct doctor_check){
			    file, DOCTOR_LIMITED,
			    "a new port is guarded as soon as its device "
			    "appears; with the plugin, before anything of "
			    "the container runs",
			    "add {\"type\": \"weir-cni\"} as the last plugin "
			    "(weir hook --help)" },
		    "weir-cni is not in the chain");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_config(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot &&
	       (strcmp(dot, ".conf") == 0 || strcmp(dot, ".conflist") == 0 ||
		strcmp(dot, ".json") == 0);
}

static void read_file(struct doctor *d, const char *name, bool first)
{
	char path[sizeof CNI_DIR + 260];
	struct err err = { 0 };
	size_t len = 0;
	json_t *types = NULL;
	char *text;

	(void)snprintf(path, sizeof path, CNI_DIR "/%s", name);
	text = file_load(path, DOCTOR_CNI_BYTES_MAX, &len, &err);
	if (text)
		types = cni_read(text, len, &err);
	if (!types)
		doctor_tell(d,
			    &(struct doctor_check){
				    name,
				    doctor_result_of(-err.code, DOCTOR_LIMITED),
				    "the runtime cannot use it either",
				    "correct it, or take it away" },
			    "%s", err.text);
	else if (first)
		tell_chain(d, types, name);
	else
		doctor_tell(d, &(struct doctor_check){ name },
			    "not the first: runtimes use that one");
	json_decref(types);
	free(text);
}

static void tell_config(struct doctor *d)
{
	struct dirent **list = NULL;
	int n = scandir(CNI_DIR, &list, is_config, by_name);

	if (n <= 0)
		doctor_tell(d, &(struct doctor_check){ CNI_DIR },
			    "no configuration of CNI");
	for (int k = 0; k < n; k++) {
		if (k < DOCTOR_CNI_FILES_MAX)
			read_file(d, list[k]->d_name, k == 0);
		free(list[k]);
	}
	free((void *)list);
}

/* --- devices ---------------------------------------------------------------------- */

struct devices {
	unsigned veths, taps, moved, netkit, cilium, calico;
	struct device_programs programs;
	unsigned with_programs;
	json_t *names;
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void count(struct devices *v, const struct link_stat *l)
{
	bool away = l->peer_nsid >= 0;

	v->veths += strcmp(l->kind, "veth") == 0 && away;
	v->taps += strcmp(l->kind, "tun") == 0 && l->is_ethernet;
	v->netkit += strcmp(l->kind, "netkit") == 0;
	v->cilium += begins(l->name, "cilium_") || begins(l->name, "lxc");
	v->calico += begins(l->name, "cali");
}

static void count_programs(struct devices *v, const struct link_stat *l)
{
	struct device_programs p = { 0 };

	if (device_programs(l->ifindex, &p, v->names, NULL) < 0 ||
	    p.tcx + p.clsact == 0)
		return;
	v->programs.tcx += p.tcx;
	v->programs.clsact += p.clsact;
	v->with_programs++;
}

static void tell_programs(struct doctor *d, const struct devices *v)
{
	struct doctor_check c = { .name = "others' programs" };
	char *names = json_dumps(v->names, JSON_COMPACT);

	if (v->with_programs == 0) {
		doctor_tell(d, &c, "none on containers' ports");
	} else {
		c.means = "Weir's come first (TCX) or with the lowest number "
			  "(clsact); what Weir lets go on is theirs";
		if (v->programs.clsact > 0) {
			c.result = DOCTOR_LIMITED;
			c.todo = "weir divert show says whether Weir's come "
				 "first at each port";
		}
		doctor_tell(d, &c,
			    "%u by TCX and %u filters on clsact, on %u "
			    "devices: %s",
			    v->programs.tcx, v->programs.clsact,
			    v->with_programs, names ? names : "");
	}
	free(names);
}

static void tell_kinds(struct doctor *d, const struct devices *v, size_t n)
{
	struct doctor_check c = { .name = "devices" };

	if (v->netkit > 0) {
		c.result = DOCTOR_MISSING;
		c.means = "a netkit device has no queue that Weir could "
			  "divert at: those workloads are not guarded";
		c.todo = "have the CNI make veth devices (Cilium: "
			 "bpf.datapathMode: veth)";
	} else if (v->cilium > 0) {
		c.result = DOCTOR_LIMITED;
		c.means = "Cilium is here: see cilium-cni above, or below "
			  "which programs it has";
	}
	doctor_tell(d, &c,
		    "%zu; %u veths that lead to other namespaces, %u taps, %u "
		    "netkit%s%s",
		    n, v->veths, v->taps, v->netkit,
		    v->cilium ? "; Cilium's" : "",
		    v->calico ? "; Calico's" : "");
}

static void tell_devices(struct doctor *d)
{
	struct devices v = { .names = json_array() };
	struct link_stat *list = NULL;
	struct nl *nl = NULL;
	struct err err = { 0 };
	size_t n = 0, looked = 0;
	int rc = nl_open(NULL, &nl, &err);

	if (rc == 0)
		rc = link_list(nl, &list, &n, &err);
	if (rc < 0) {
		doctor_tell(
			d,
			&(struct doctor_check){ .name = "devices",
						.result = DOCTOR_NOT_LOOKED },
			"%s", err.text);
	} else {
		for (size_t k = 0; k < n; k++) {
			count(&v, &list[k]);
			if (strcmp(list[k].kind, "veth") == 0 &&
			    looked++ < DOCTOR_DEVICES_MAX)
				count_programs(&v, &list[k]);
		}
		tell_kinds(d, &v, n);
		tell_programs(d, &v);
	}
	free(list);
	nl_free(nl);
	json_decref(v.names);
}

void doctor_cni(struct doctor *d)
{
	d->group = "network";
	tell_config(d);
	tell_devices(d);
	doctor_tell(d, &(struct doctor_check){ "hostNetwork" },
		    "workloads in the host's own namespace have no port: "
		    "they are not guarded, anywhere");
}

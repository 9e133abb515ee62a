/*
 * What who runs this may do. What is not in the bounding set no process that he starts
 * can have, root or not; so that is what a container or a unit was given.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor/checks.h"

/* Names that older headers lack. */
#define CAP_BPF_NUMBER	   39
#define CAP_PERFMON_NUMBER 38

static const struct {
	const char *name, *what;
	int number;
	bool must;
} wanted[] = {
	{ "CAP_NET_ADMIN", "devices, tc, NFQUEUE", CAP_NET_ADMIN, true },
	{ "CAP_NET_RAW", "packet sockets", CAP_NET_RAW, true },
	{ "CAP_SYS_ADMIN", "network namespaces, bpffs", CAP_SYS_ADMIN, true },
	{ "CAP_BPF", "programs and maps", CAP_BPF_NUMBER, true },
	{ "CAP_PERFMON", "programs that read packets", CAP_PERFMON_NUMBER,
	  true },
	{ "CAP_SETUID", "weir-dp gives up root", CAP_SETUID, true },
	{ "CAP_SETGID", "weir-dp gives up root", CAP_SETGID, true },
	{ "CAP_SETPCAP", "weir-dp gives up capabilities", CAP_SETPCAP, true },
	{ "CAP_SYS_PTRACE", "whose processes are in a namespace",
	  CAP_SYS_PTRACE, true },
	{ "CAP_KILL", "to end a data plane of another account", CAP_KILL,
	  true },
	{ "CAP_CHOWN", "doors for a group", CAP_CHOWN, true },
	{ "CAP_FOWNER", "doors for a group", CAP_FOWNER, false },
	{ "CAP_DAC_OVERRIDE", "runtimes' sockets of others", CAP_DAC_OVERRIDE,
	  true },
	{ "CAP_SYS_RESOURCE", "more descriptors than the limit",
	  CAP_SYS_RESOURCE, false },
};

bool status_number(const char *text, const char *name, uint64_t *ret)
{
	const char *line = text;
	size_t len = strlen(name);
	char *end;

	while (line && (strncmp(line, name, len) != 0 || line[len] != ':')) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return false;
	*ret = strtoull(line + len + 1, &end, 16);
	return end != line + len + 1;
}

/* false: there is no /proc. */
static bool read_status(char text[static 8192])
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, 8191) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Names of those that are not in the set; how many of them are needed. */
static unsigned missing_of(uint64_t set, char *names, size_t size)
{
	unsigned needed = 0;
	size_t len = 0;

	names[0] = '\0';
	for (size_t n = 0; n < sizeof wanted / sizeof *wanted; n++) {
		/* who has CAP_SYS_ADMIN may do what these say */
		bool within = (wanted[n].number == CAP_BPF_NUMBER ||
			       wanted[n].number == CAP_PERFMON_NUMBER) &&
			      set >> CAP_SYS_ADMIN & 1;

		if (within || set >> wanted[n].number & 1)
			continue;
		needed += wanted[n].must;
		if (len < size)
			len += (size_t)snprintf(names + len, size - len,
						"%s%s (%s)", len ? ", " : "",
						wanted[n].name, wanted[n].what);
	}
	return needed;
}

static void tell_bounding(struct doctor *d, uint64_t set)
{
	struct doctor_check c = { .name = "capabilities" };
	char names[DOCTOR_FOUND_MAX];
	unsigned needed = missing_of(set, names, sizeof names);

	if (!names[0]) {
		doctor_tell(d, &c,
			    "all that weir-agent and weir-dp use can "
			    "be had here");
		return;
	}
	c.result = needed ? DOCTOR_MISSING : DOCTOR_LIMITED;
	c.means = needed ? "what is started here cannot have them, not even "
			   "as root: weir-agent fails where it needs them"
			 : "what is started here cannot have them; Weir does "
			   "with less";
	c.todo = "give them to the container or unit that this runs in "
		 "(weir-agent.service has the list)";
	doctor_tell(d, &c, "not in the bounding set: %s", names);
}

static void tell_effective(struct doctor *d, uint64_t set)
{
	struct doctor_check c = { .name = "who runs this",
				  .result = DOCTOR_NOT_LOOKED,
				  .todo = DOCTOR_AS_ROOT };
	char names[DOCTOR_FOUND_MAX];

	if (missing_of(set, names, sizeof names) == 0) {
		c = (struct doctor_check){ .name = c.name };
		doctor_tell(d, &c,
			    "user %d, with the capabilities that it "
			    "takes",
			    (int)geteuid());
		return;
	}
	c.means = "what takes privileges is not looked at below";
	doctor_tell(d, &c, "user %d, without %s", (int)geteuid(), names);
}

/* "0 0 4294967295": each is himself. */
static bool is_all_users(const char *line)
{
	static const unsigned long all[] = { 0, 0, UINT32_MAX };

	for (int n = 0; n < 3; n++) {
		char *end;

		if (strtoul(line, &end, 10) != all[n] || end == line)
			return false;
		line = end;
	}
	return true;
}

static void tell_user_namespace(struct doctor *d)
{
	struct doctor_check c = { .name = "user namespace" };
	char line[80] = "";
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool whole = f && fgets(line, sizeof line, f) && is_all_users(line);

	if (f)
		(void)fclose(f); /* only read */
	if (!f)
		c.result = DOCTOR_NOT_LOOKED;
	if (f && !whole) {
		c.result = DOCTOR_MISSING;
		c.means = "the kernel loads no programs for who is root in a "
			  "user namespace only";
		c.todo = "run Weir on the host, or in a container without "
			 "user namespace (not rootless)";
	}
	doctor_tell(d, &c, "%s",
		    !f	    ? "no /proc/self/uid_map"
		    : whole ? "the host's"
			    : "one of its own");
}

static void tell_network_namespace(struct doctor *d)
{
	struct doctor_check c = { .name = "network namespace" };
	struct stat own, host;

	if (stat("/proc/self/ns/net", &own) < 0 ||
	    stat("/proc/1/ns/net", &host) < 0) {
		c.result = DOCTOR_NOT_LOOKED;
		c.todo = geteuid() != 0 ? DOCTOR_AS_ROOT : NULL;
		doctor_tell(d, &c, "that of process 1 is not to be seen: %s",
			    strerror(errno));
	} else if (own.st_ino == host.st_ino) {
		doctor_tell(d, &c, "the host's (that of process 1)");
	} else {
		c.result = DOCTOR_LIMITED;
		c.means = "Weir guards the devices of the namespace that it "
			  "runs in; containers' ports are the host's devices";
		c.todo = "run weir-agent in the host's network namespace "
			 "(hostNetwork and hostPID)";
		doctor_tell(d, &c, "not that of process 1");
	}
}

static void tell_files(struct doctor *d)
{
	struct doctor_check c = { .name = "open files" };
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	if (r.rlim_max < 4096) {
		c.result = DOCTOR_LIMITED;
		c.means = "two descriptors a workload: with more than half as "
			  "many workloads their changes are seen later";
		c.todo = "raise the limit (LimitNOFILE=65536)";
	}
	doctor_tell(d, &c, "at most %llu", (unsigned long long)r.rlim_max);
}

static void tell_filters(struct doctor *d, const char *status)
{
	struct doctor_check c = { .name = "no new privileges, seccomp" };
	int kept = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	uint64_t mode = 0;
	bool filtered = status_number(status, "Seccomp", &mode) && mode == 2;

	if (filtered) {
		c.result = DOCTOR_LIMITED;
		c.means = "a filter of system calls is on whatever is started "
			  "here; which calls it refuses shows below";
		c.todo = "if something below is refused: run it without the "
			 "filter (seccomp=unconfined), or allow bpf, setns, "
			 "unshare";
	}
	doctor_tell(d, &c,
		    "no new privileges: %s (Weir needs none); a filter: "
		    "%s",
		    kept == 1 ? "yes" : "no", filtered ? "yes" : "no");
}

void doctor_privileges(struct doctor *d)
{
	char status[8192];
	uint64_t bounding = 0, effective = 0;

	d->group = "privileges";
	if (!read_status(status) ||
	    !status_number(status, "CapBnd", &bounding) ||
	    !status_number(status, "CapEff", &effective)) {
		doctor_tell(d,
			    &(struct doctor_check){
				    "capabilities", DOCTOR_MISSING,
				    "Weir finds processes and namespaces by "
				    "/proc",
				    "mount -t proc proc /proc" },
			    "/proc/self/status cannot be read");
		return;
	}
	tell_bounding(d, bounding);
	tell_effective(d, effective);
	tell_user_namespace(d);
	tell_network_namespace(d);
	tell_files(d);
	tell_filters(d, status);
}

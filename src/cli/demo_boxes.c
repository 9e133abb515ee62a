/*
 * The image is a folder with a static busybox, two pages and a file, packed by
 * busybox's own tar: no registry is asked. Bare namespaces run the same busybox
 * from the same folder.
 *
 * Docker and Podman get what they need to stay within the world: folders in its
 * memory, control groups below the world's own name, no systemd (whose socket is
 * not there).
 */
#include "cli/demo_boxes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/stop.h"
#include "net/link.h"
#include "net/nl.h"

#define DIR_ROOT      DEMO_WORLD_DIR "/root" /* the image */
#define DIR_DOCKER    DEMO_WORLD_DIR "/docker"
#define DIR_PODMAN    DEMO_WORLD_DIR "/podman"
#define IMAGE	      "weir-demo"
#define DOCKER_SOCK   "/run/docker.sock"
#define PODMAN_SOCK   "/run/podman/podman.sock"
#define SERVE	      "httpd -p 8080 -h /admin; httpd -f -p 80 -h /www"
#define PARENT_OPTION "--cgroup-parent=/"
#define TRY_EVERY_MS  20
#define END_MS	      10000

static const char docker_url[] = "unix://" DOCKER_SOCK;
static const char podman_url[] = "unix://" PODMAN_SOCK;
static const char root_dir[] = DIR_ROOT;
static const char root_tar[] = DEMO_WORLD_DIR "/root.tar";

const char *const box_names[BOX__MAX] = { "web", "app" };

static const struct {
	const char *name, *runtimes, *socket, *needs[4];
} kinds[] = {
	[BOX_DOCKER] = { "docker",
			 "{kind: docker, path: " DOCKER_SOCK "}",
			 DOCKER_SOCK,
			 { "dockerd", "docker", "busybox" } },
	[BOX_PODMAN] = { "podman",
			 "{kind: podman, path: " PODMAN_SOCK "}",
			 PODMAN_SOCK,
			 { "podman", "busybox" } },
	[BOX_NAMESPACES] = { "namespaces",
			     "{kind: netns, path: " NETNS_DIR "}",
			     NULL,
			     { "busybox" } },
};

_Static_assert(sizeof kinds / sizeof *kinds == BOX_KIND__MAX, "one each");

int box_kind_parse(const char *text, enum box_kind *ret, struct err *reterr)
{
	for (int k = 0; k < BOX_KIND__MAX; k++)
		if (strcmp(kinds[k].name, text) == 0) {
			*ret = k;
			return 0;
		}
	return err_set(reterr, EINVAL, "--runtime",
		       "\"%s\" is none; expected docker, podman or namespaces",
		       text);
}

const char *box_kind_name(enum box_kind kind)
{
	return kinds[kind].name;
}

const char *box_kind_runtimes(enum box_kind kind)
{
	return kinds[kind].runtimes;
}

const char *box_kind_missing(enum box_kind kind)
{
	char path[PATH_MAX];

	for (int i = 0; i < 4 && kinds[kind].needs[i]; i++)
		if (!program_find(kinds[kind].needs[i], path))
			return kinds[kind].needs[i];
	if (kind != BOX_NAMESPACES && program_find("busybox", path) &&
	    !program_is_static(path))
		return "a busybox that needs no libraries (busybox-static)";
	return NULL;
}

/* --- commands ----------------------------------------------------------- */

const struct netns *boxes_command(const struct boxes *b, enum box box,
				  const char *const argv[],
				  const char *ret[PROGRAM_ARGS_MAX])
{
	size_t n = 0;

	if (b->kind == BOX_NAMESPACES) {
		ret[n++] = "busybox";
	} else {
		ret[n++] = kinds[b->kind].name;
		ret[n++] = "exec";
		ret[n++] = box_names[box];
	}
	for (size_t i = 0; argv[i] && n < PROGRAM_ARGS_MAX - 1; i++)
		ret[n++] = argv[i];
	ret[n] = NULL;
	return b->kind == BOX_NAMESPACES ? &b->ns[box] : NULL;
}

const char *boxes_typed(const struct boxes *b, enum box box)
{
	static const char *const typed[BOX_KIND__MAX][BOX__MAX] = {
		[BOX_DOCKER] = { "docker exec web", "docker exec app" },
		[BOX_PODMAN] = { "podman exec web", "podman exec app" },
		[BOX_NAMESPACES] = { "ip netns exec web busybox",
				     "ip netns exec app busybox" },
	};

	return typed[b->kind][box];
}

static void tell_command(struct tale *t, const char *const argv[])
{
	char line[256] = "";
	size_t n = 0;

	for (size_t i = 0; argv[i] && n < sizeof line; i++) {
		const char *quote = strpbrk(argv[i], " ;") ? "'" : "";

		/* needed only to leave nothing behind */
		if (strncmp(argv[i], PARENT_OPTION, strlen(PARENT_OPTION)) == 0)
			continue;
		n += (size_t)snprintf(line + n, sizeof line - n, " %s%s%s",
				      quote, argv[i], quote);
	}
	tale_say(t, "$%s", line);
}

/* One that has to work; told if t is not NULL. */
static int must_run(const char *const argv[], struct tale *t,
		    struct err *reterr)
{
	struct program p;
	char *text = NULL;
	int status, rc;

	if (t)
		tell_command(t, argv);
	rc = program_start(&p, NULL, argv, NULL, reterr);
	if (rc == 0)
		rc = program_collect(&p, DEMO_COMMAND_WAIT_MS, &text, &status,
				     reterr);
	if (rc < 0 || !text)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	if (status != 0)
		rc = err_set(reterr, ECHILD, argv[0], "%s failed (%d): %s",
			     argv[1], status, text);
	free(text);
	return rc;
}

/* --- the image ------------------------------------------------------------ */

static int write_file(const char *path, const char *text, struct err *reterr)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	ssize_t n = fd < 0 ? -1 : write(fd, text, len);

	if (fd >= 0 && close(fd) < 0)
		n = -1;
	return n == (ssize_t)len ? 0
				 : err_set(reterr, errno ? errno : EIO, path,
					   "write it: %s", strerror(errno));
}

/* The file to download. */
static int write_big(const char *path, struct err *reterr)
{
	FILE *f = fopen(path, "we");
	bool ok = f != NULL;

	for (uint64_t i = 0; ok && i < BOX_FILE_BYTES / sizeof i; i++)
		ok = fwrite(&i, sizeof i, 1, f) == 1;
	if (f && fclose(f) != 0)
		ok = false;
	return ok ? 0
		  : err_set(reterr, errno, path, "write it: %s",
			    strerror(errno));
}

static int copy_file(const char *from, const char *to, struct err *reterr)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t n = in < 0 || out < 0 ? -1 : 1;

	while (n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) < 0)
		n = -1;
	return n == 0 ? 0
		      : err_set(reterr, errno, to, "copy %s: %s", from,
				strerror(errno));
}

static int make_root(struct err *reterr)
{
	static const char *const dirs[] = { DIR_ROOT, DIR_ROOT "/bin",
					    DIR_ROOT "/www",
					    DIR_ROOT "/admin" };
	static const char *const applets[] = { "sh", "httpd", "wget", "timeout",
					       "tail" };
	char busybox[PATH_MAX], path[64];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof dirs / sizeof *dirs; i++)
		if (mkdir(dirs[i], 0755) < 0)
			rc = err_set(reterr, errno, dirs[i], "%s",
				     strerror(errno));
	for (size_t i = 0; i < sizeof applets / sizeof *applets; i++) {
		(void)snprintf(path, sizeof path, DIR_ROOT "/bin/%s",
			       applets[i]);
		if (rc == 0 && symlink("busybox", path) < 0)
			rc = err_set(reterr, errno, path, "%s",
				     strerror(errno));
	}
	if (rc == 0 && !program_find("busybox", busybox))
		rc = err_set(reterr, ENOENT, "busybox", "not found");
	if (rc == 0)
		rc = copy_file(busybox, DIR_ROOT "/bin/busybox", reterr);
	if (rc == 0)
		rc = write_file(DIR_ROOT "/www/index.html", "hello from web\n",
				reterr);
	if (rc == 0)
		rc = write_file(DIR_ROOT "/admin/index.html",
				"for administrators only\n", reterr);
	return rc < 0 ? rc : write_big(DIR_ROOT "/www/big", reterr);
}

static int make_image(const char *engine, struct err *reterr)
{
	static const char *const pack[] = { "busybox", "tar",	 "-c",
					    "-f",      root_tar, "-C",
					    root_dir,  ".",	 NULL };
	const char *const import[] = { engine, "import", root_tar, IMAGE,
				       NULL };
	int rc = must_run(pack, NULL, reterr);

	return rc < 0 ? rc : must_run(import, NULL, reterr);
}

/* --- a daemon --------------------------------------------------------------- */

static bool answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	ok = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static int start_daemon(struct boxes *b, const char *const argv[],
			const char *log, struct err *reterr)
{
	const char *socket_path = kinds[b->kind].socket;
	char words[160];
	int rc = program_start(&b->daemon, NULL, argv, log, reterr);

	for (int ms = 0; rc == 0 && !answers(socket_path); ms += TRY_EVERY_MS) {
		if (stop_poll(NULL, 0, TRY_EVERY_MS) < 0)
			return err_set(reterr, EINTR, NULL, "stopped");
		program_last_words(log, words, sizeof words);
		if (!program_runs(&b->daemon))
			return err_set(reterr, ECHILD, argv[0],
				       "it ended at once: %s", words);
		if (ms > DEMO_RUNTIME_WAIT_MS)
			return err_set(reterr, ETIMEDOUT, argv[0],
				       "it does not answer: %s", words);
	}
	return rc;
}

static int start_docker(struct boxes *b, struct err *reterr)
{
	char cgroup[DEMO_WORLD_CGROUP_MAX + 32];
	const char *const argv[] = { "dockerd",
				     "-H",
				     docker_url,
				     "--data-root",
				     DIR_DOCKER "/data",
				     "--exec-root",
				     DIR_DOCKER "/exec",
				     "-p",
				     DIR_DOCKER "/pid",
				     "--exec-opt",
				     "native.cgroupdriver=cgroupfs",
				     cgroup,
				     NULL };

	(void)snprintf(cgroup, sizeof cgroup, PARENT_OPTION "%s",
		       b->world->cgroup);
	(void)unsetenv("DOCKER_CONTEXT");
	if (setenv("DOCKER_HOST", docker_url, 1) < 0 ||
	    setenv("DOCKER_CONFIG", DIR_DOCKER, 1) < 0 ||
	    mkdir(DIR_DOCKER, 0700) < 0)
		return err_set(reterr, errno, DIR_DOCKER, "%s",
			       strerror(errno));
	return start_daemon(b, argv, DIR_DOCKER "/log", reterr);
}

static const char podman_conf[] =
	"[containers]\n"
	/* what a root with few capabilities may set, too */
	"default_ulimits = [\"nofile=16384:16384\", \"nproc=4096:4096\"]\n"
	"[engine]\n"
	"cgroup_manager = \"cgroupfs\"\n"
	"events_logger = \"file\"\n"
	"events_logfile_path = \"" DIR_PODMAN "/events\"\n"
	"tmp_dir = \"" DIR_PODMAN "/tmp\"\n";
static const char podman_storage[] = "[storage]\n"
				     "driver = \"overlay\"\n"
				     "runroot = \"" DIR_PODMAN "/run\"\n"
				     "graphroot = \"" DIR_PODMAN "/data\"\n";

static int start_podman(struct boxes *b, struct err *reterr)
{
	static const char *const argv[] = { "podman", "system", "service",
					    "--time", "0",	podman_url,
					    NULL };
	char conf[1024], path[PATH_MAX];
	int rc;

	/* crun, the default, wants a systemd or version 2 */
	(void)snprintf(conf, sizeof conf, "%s%s", podman_conf,
		       program_find("runc", path) ? "runtime = \"runc\"\n"
						  : "");
	if (setenv("CONTAINERS_CONF", DIR_PODMAN "/conf", 1) < 0 ||
	    setenv("CONTAINERS_STORAGE_CONF", DIR_PODMAN "/storage", 1) < 0 ||
	    setenv("TMPDIR", DEMO_WORLD_DIR "/tmp", 1) < 0 ||
	    mkdir(DIR_PODMAN, 0700) < 0 || mkdir("/run/podman", 0755) < 0)
		return err_set(reterr, errno, DIR_PODMAN, "%s",
			       strerror(errno));
	rc = write_file(DIR_PODMAN "/conf", conf, reterr);
	if (rc == 0)
		rc = write_file(DIR_PODMAN "/storage", podman_storage, reterr);
	return rc < 0 ? rc : start_daemon(b, argv, DIR_PODMAN "/log", reterr);
}

/* --- bare namespaces -------------------------------------------------------- */

static const char bridge_addr[] = "10.10.30.1";
static const char *const box_addrs[BOX__MAX] = { "10.10.30.2", "10.10.30.3" };

static int set_addr(struct nl *nl, uint32_t ifindex, const char *text,
		    struct err *reterr)
{
	struct ip_addr a = { { 0 } };
	int rc = link_set_up(nl, ifindex, true, reterr);

	/* It is a constant of ours, well-formed. */
	(void)ip_parse(text, &a);
	return rc < 0 ? rc : link_add_addr(nl, ifindex, a, 24, reterr);
}

static int plug_in(struct boxes *b, enum box box, struct nl *host,
		   uint32_t bridge, struct err *reterr)
{
	char name[IFNAMSIZ];
	struct veth_end a = { .name = name };
	struct veth_end e = { .name = "eth0", .ns = &b->ns[box] };
	struct nl *inside = NULL;
	uint32_t port = 0, eth = 0;
	int rc;

	(void)snprintf(name, sizeof name, "veth-%s", box_names[box]);
	rc = link_add_veth(host, &a, &e, reterr);
	if (rc == 0)
		rc = link_index(host, name, &port, reterr);
	if (rc == 0)
		rc = link_set_master(host, port, bridge, reterr);
	if (rc == 0)
		rc = link_set_up(host, port, true, reterr);
	if (rc == 0)
		rc = nl_open(&b->ns[box], &inside, reterr);
	if (rc == 0)
		rc = link_index(inside, "eth0", &eth, reterr);
	if (rc == 0)
		rc = set_addr(inside, eth, box_addrs[box], reterr);
	nl_free(inside);
	return rc;
}

static int make_bridge(struct boxes *b, struct err *reterr)
{
	struct netns self = { .fd = -1 };
	struct nl *host = NULL;
	uint32_t bridge = 0;
	int rc = netns_open_self(&self, reterr);

	if (rc == 0)
		rc = nl_open(&self, &host, reterr);
	if (rc == 0)
		rc = link_add_bridge(host, "br0", &bridge, reterr);
	if (rc == 0)
		rc = set_addr(host, bridge, bridge_addr, reterr);
	for (enum box i = 0; rc == 0 && i < BOX__MAX; i++) {
		rc = netns_create(box_names[i], reterr);
		if (rc == 0)
			rc = netns_open(box_names[i], &b->ns[i], reterr);
		if (rc == 0)
			rc = plug_in(b, i, host, bridge, reterr);
	}
	nl_free(host);
	netns_done(&self);
	return rc;
}

static int run_namespaces(struct boxes *b, struct tale *t, struct err *reterr)
{
	static const struct {
		const char *port, *folder;
	} pages[] = { { "80", DIR_ROOT "/www" },
		      { "8080", DIR_ROOT "/admin" } };
	int rc = make_bridge(b, reterr);

	for (size_t i = 0; rc == 0 && i < sizeof pages / sizeof *pages; i++) {
		const char *const argv[] = {
			"busybox", "httpd",	    "-f", "-p", pages[i].port,
			"-h",	   pages[i].folder, NULL
		};

		tale_say(t, "$ ip netns exec web busybox httpd -p %s",
			 pages[i].port);
		rc = program_start(&b->servers[i], &b->ns[BOX_WEB], argv,
				   DEMO_WORLD_DIR "/httpd.log", reterr);
	}
	return rc;
}

/* --- all kinds ---------------------------------------------------------------- */

int boxes_prepare(struct boxes *b, const struct demo_world *w,
		  struct err *reterr)
{
	*b = (struct boxes){ .world = w, .daemon.out = -1 };
	for (int i = 0; i < 2; i++)
		b->servers[i].out = -1;
	for (enum box i = 0; i < BOX__MAX; i++)
		b->ns[i].fd = -1;
	return make_root(reterr);
}

int boxes_start(struct boxes *b, enum box_kind kind, struct err *reterr)
{
	int rc;

	b->kind = kind;
	if (kind == BOX_NAMESPACES)
		return 0;
	rc = kind == BOX_DOCKER ? start_docker(b, reterr)
				: start_podman(b, reterr);
	if (rc == 0)
		rc = make_image(kinds[kind].name, reterr);
	if (rc < 0)
		(void)program_end(&b->daemon, SIGTERM, END_MS);
	return rc;
}

int boxes_run(struct boxes *b, struct tale *t, struct err *reterr)
{
	const char *engine = kinds[b->kind].name;
	char parent[DEMO_WORLD_CGROUP_MAX + 32];
	const char *const web[] = { engine,   "run", "-d",  parent,
				    "--name", "web", IMAGE, "sh",
				    "-c",     SERVE, NULL };
	const char *const app[] = { engine,   "run",	   "-d",  parent,
				    "--name", "app",	   IMAGE, "tail",
				    "-f",     "/dev/null", NULL };
	int rc;

	if (b->kind == BOX_NAMESPACES)
		return run_namespaces(b, t, reterr);
	(void)snprintf(parent, sizeof parent, PARENT_OPTION "%s",
		       b->world->cgroup);
	rc = must_run(web, t, reterr);
	return rc < 0 ? rc : must_run(app, t, reterr);
}

int boxes_end(struct boxes *b, struct tale *t, struct err *reterr)
{
	const char *const rm[] = {
		kinds[b->kind].name, "rm", "-f", "web", "app", NULL
	};
	int rc = 0;

	if (b->kind != BOX_NAMESPACES)
		rc = must_run(rm, t, reterr);
	for (int i = 0; i < 2; i++)
		(void)program_end(&b->servers[i], SIGTERM, END_MS);
	for (enum box i = 0; i < BOX__MAX; i++)
		netns_done(&b->ns[i]);
	for (enum box i = 0; b->kind == BOX_NAMESPACES && i < BOX__MAX; i++)
		if (rc == 0)
			rc = netns_delete(box_names[i], reterr);
	(void)program_end(&b->daemon, SIGTERM, END_MS);
	return rc;
}

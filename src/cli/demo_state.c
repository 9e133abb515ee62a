#include "cli/demo_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX	   "demo-"
#define STATE_FILE "state.json"
#define STATE_NEW  "state.json.new"

static const char *const role_keys[] = { "host", "container", "agent", "web" };
_Static_assert(sizeof role_keys / sizeof *role_keys == DEMO_ROLE__MAX,
	       "one key a role");

const char *demo_path(const struct demo_state *s, const char *file,
		      char buf[static DEMO_PATH_MAX])
{
	(void)snprintf(buf, DEMO_PATH_MAX, "%s/%.30s", s->dir, file);
	return buf;
}

int demo_proc_of(pid_t pid, struct demo_proc *ret)
{
	char path[32], buf[1024];
	unsigned long long start;
	const char *p;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, buf, sizeof buf - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	buf[n] = '\0';
	/* "pid (any name) S ppid ...": the 22nd field is the start time */
	p = strrchr(buf, ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p + 1, ' ');
		if (p && field == 2 && (p[1] == 'Z' || p[1] == 'X'))
			return -ESRCH;
	}
	if (!p)
		return -ESRCH;
	start = strtoull(p + 1, NULL, 10);
	*ret = (struct demo_proc){ pid, start };
	return 0;
}

bool demo_proc_alive(const struct demo_proc *p)
{
	struct demo_proc now;

	return p->pid > 0 && demo_proc_of(p->pid, &now) == 0 &&
	       now.start == p->start;
}

int demo_state_create(struct demo_state *s, struct err *reterr)
{
	/* A demo that ends removes an empty DEMO_RUN_DIR: try again then. */
	for (int tries = 0; tries < 3; tries++) {
		char dir[DEMO_DIR_MAX] = DEMO_RUN_DIR "/" PREFIX "XXXXXX";

		if (mkdir(DEMO_RUN_DIR, 0755) < 0 && errno != EEXIST)
			break;
		if (mkdtemp(dir)) {
			memcpy(s->dir, dir, sizeof s->dir);
			return demo_proc_of(getpid(), &s->owner);
		}
		if (errno != ENOENT)
			break;
	}
	return err_set(reterr, errno, NULL, "make a directory in %s: %s",
		       DEMO_RUN_DIR, strerror(errno));
}

static json_t *to_json(const struct demo_state *s)
{
	json_t *j, *ns = json_object();

	for (int i = 0; i < DEMO_ROLE__MAX; i++)
		(void)json_object_set_new(
			ns, role_keys[i],
			json_pack("{s:s, s:I, s:I}", "name", s->ns[i].name,
				  "dev", (json_int_t)s->ns[i].dev, "ino",
				  (json_int_t)s->ns[i].ino));
	j = json_pack("{s:[iI], s:[iIiI], s:b, s:b, s:[ii], s:o}", "owner",
		      (int)s->owner.pid, (json_int_t)s->owner.start, "dp",
		      (int)s->dp[DEMO_SPLICED].pid,
		      (json_int_t)s->dp[DEMO_SPLICED].start,
		      (int)s->dp[DEMO_INPLACE].pid,
		      (json_int_t)s->dp[DEMO_INPLACE].start, "kept", s->kept,
		      "here", s->here, "ifindex", (int)s->host_ifindex,
		      (int)s->bridge_ifindex, "namespaces", ns);
	return j;
}

int demo_state_save(const struct demo_state *s, struct err *reterr)
{
	char from[DEMO_PATH_MAX], to[DEMO_PATH_MAX];
	json_t *j = to_json(s);
	int rc = 0;

	if (!j)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)demo_path(s, STATE_NEW, from);
	(void)demo_path(s, STATE_FILE, to);
	if (json_dump_file(j, from, JSON_INDENT(1)) < 0 || rename(from, to) < 0)
		rc = err_set(reterr, errno, NULL, "write %s: %s", to,
			     strerror(errno));
	json_decref(j);
	return rc;
}

static int ns_from_json(json_t *j, struct demo_ns *ret)
{
	const char *name;
	json_int_t dev, ino;

	if (json_unpack(j, "{s:s, s:I, s:I}", "name", &name, "dev", &dev, "ino",
			&ino) < 0 ||
	    strlen(name) >= sizeof ret->name)
		return -EINVAL;
	memcpy(ret->name, name, strlen(name) + 1);
	ret->dev = (uint64_t)dev;
	ret->ino = (uint64_t)ino;
	return 0;
}

static int from_json(json_t *j, struct demo_state *s)
{
	json_int_t owner_start, dp_start[DEMO_LAYOUT__MAX];
	int owner, dp[DEMO_LAYOUT__MAX], kept, here, host, bridge;
	json_t *ns;

	if (json_unpack(j, "{s:[iI], s:[iIiI], s:b, s:b, s:[ii], s:o}", "owner",
			&owner, &owner_start, "dp", &dp[0], &dp_start[0],
			&dp[1], &dp_start[1], "kept", &kept, "here", &here,
			"ifindex", &host, &bridge, "namespaces", &ns) < 0)
		return -EINVAL;
	s->owner = (struct demo_proc){ owner, (uint64_t)owner_start };
	for (int i = 0; i < DEMO_LAYOUT__MAX; i++)
		s->dp[i] = (struct demo_proc){ dp[i], (uint64_t)dp_start[i] };
	s->kept = kept;
	s->here = here;
	s->host_ifindex = (uint32_t)host;
	s->bridge_ifindex = (uint32_t)bridge;
	for (int i = 0; i < DEMO_ROLE__MAX; i++)
		if (ns_from_json(json_object_get(ns, role_keys[i]), &s->ns[i]) <
		    0)
			return -EINVAL;
	return 0;
}

static int load(const char *name, struct demo_state *ret)
{
	struct demo_state s = { 0 };
	char path[DEMO_PATH_MAX];
	json_t *j;
	int rc;

	if (snprintf(s.dir, sizeof s.dir, DEMO_RUN_DIR "/%.32s", name) >=
	    (int)sizeof s.dir)
		return -ENAMETOOLONG;
	j = json_load_file(demo_path(&s, STATE_FILE, path), 0, NULL);
	if (!j)
		return -EINVAL;
	rc = from_json(j, &s);
	json_decref(j);
	if (rc == 0)
		*ret = s;
	return rc;
}

int demo_state_list(struct demo_state **ret, size_t *ret_n, struct err *reterr)
{
	struct demo_state *list = NULL, *grown, s;
	DIR *dir = opendir(DEMO_RUN_DIR);
	const struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0 ||
		    load(e->d_name, &s) < 0)
			continue;
		grown = reallocarray(list, n + 1, sizeof *list);
		if (!grown) {
			free(list);
			closedir(dir);
			return err_set(reterr, ENOMEM, NULL, "out of memory");
		}
		list = grown;
		list[n++] = s;
	}
	if (dir)
		closedir(dir);
	*ret = list;
	*ret_n = n;
	return 0;
}

int demo_state_remove(struct demo_state *s, struct err *reterr)
{
	const struct dirent *e;
	DIR *dir;

	if (!s->dir[0])
		return 0;
	dir = opendir(s->dir);
	while (dir && (e = readdir(dir)))
		/* "." and ".." are refused; what stays makes rmdir fail */
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	if (rmdir(s->dir) < 0 && errno != ENOENT)
		return err_set(reterr, errno, NULL, "remove %s: %s", s->dir,
			       strerror(errno));
	s->dir[0] = '\0';
	/* Ours only if nobody else has anything there. */
	(void)rmdir(DEMO_RUN_DIR);
	return 0;
}

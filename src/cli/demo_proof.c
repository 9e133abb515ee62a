/*
 * The whole lists are compared, not only our names, so that what was left
 * under a name nobody thought of is seen. But a host lives: what came
 * meanwhile and does not bear one of our names is told and left to the reader.
 */
#include "cli/demo_proof.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/table.h"
#include "net/link.h"
#include "net/nl.h"

/* Sorted by name is not needed: they are looked up one by one. */
static json_t *list_dir(const char *path)
{
	json_t *set = json_object();
	DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)json_object_set_new(set, e->d_name, json_true());
	if (dir)
		closedir(dir);
	return set;
}

static int list_links(json_t **ret, struct err *reterr)
{
	struct link_stat *links = NULL;
	struct nl *nl = NULL;
	json_t *set;
	size_t n = 0;
	int rc;

	rc = nl_open(NULL, &nl, reterr);
	if (rc == 0)
		rc = link_list(nl, &links, &n, reterr);
	nl_free(nl);
	if (rc < 0)
		return rc;
	set = json_object();
	for (size_t i = 0; i < n; i++) {
		char key[IFNAMSIZ + 16];

		(void)snprintf(key, sizeof key, "%s (%u)", links[i].name,
			       links[i].ifindex);
		(void)json_object_set_new(set, key, json_true());
	}
	free(links);
	*ret = set;
	return 0;
}

static bool any_child(void)
{
	siginfo_t si;

	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int demo_snapshot(struct demo_snapshot *ret, struct err *reterr)
{
	struct demo_snapshot s = { 0 };
	json_t *fds;
	int rc;

	rc = list_links(&s.links, reterr);
	if (rc < 0)
		return rc;
	s.netns = list_dir(NETNS_DIR);
	s.files = list_dir(DEMO_RUN_DIR);
	fds = list_dir("/proc/self/fd");
	s.descriptors = (unsigned)json_object_size(fds);
	json_decref(fds);
	s.children = any_child();
	*ret = s;
	return 0;
}

void demo_snapshot_done(struct demo_snapshot *s)
{
	json_decref(s->netns);
	json_decref(s->links);
	json_decref(s->files);
	*s = (struct demo_snapshot){ 0 };
}

static bool is_inside(const char *pid, const struct demo_state *s)
{
	char path[300];
	struct stat st;

	(void)snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
	if (stat(path, &st) < 0)
		return false; /* it has just ended */
	for (int i = 0; i < DEMO_ROLE__MAX; i++)
		if (s->ns[i].name[0] && st.st_dev == s->ns[i].dev &&
		    st.st_ino == s->ns[i].ino)
			return true;
	return false;
}

unsigned demo_count_inside(const struct demo_state *s)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	unsigned n = 0;

	while (proc && (e = readdir(proc)))
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
		    is_inside(e->d_name, s))
			n++;
	if (proc)
		closedir(proc);
	return n;
}

/* Is it one of the names that this demo gave? */
static bool is_ours(const char *name, const struct demo_state *made)
{
	char link[IFNAMSIZ + 16];

	for (int i = 0; i < DEMO_ROLE__MAX; i++)
		if (made->ns[i].name[0] && strcmp(name, made->ns[i].name) == 0)
			return true;
	(void)snprintf(link, sizeof link, DEMO_HOST_DEV " (%u)",
		       made->host_ifindex);
	if (strcmp(name, link) == 0)
		return true;
	(void)snprintf(link, sizeof link, DEMO_BRIDGE " (%u)",
		       made->bridge_ifindex);
	return strcmp(name, link) == 0 ||
	       (made->dir[0] && strcmp(name, strrchr(made->dir, '/') + 1) == 0);
}

/* Returns how many of ours came; all that came are named in `came`. */
static unsigned compare(const json_t *before, const json_t *after,
			const struct demo_state *made, json_t *came)
{
	unsigned ours = 0;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)after, name, v) {
		if (json_object_get(before, name))
			continue;
		if (is_ours(name, made))
			ours++;
		(void)json_array_append_new(came, json_string(name));
	}
	return ours;
}

static void add_row(struct table *t, const char *what, size_t before,
		    size_t after)
{
	table_add(t, "%s", what);
	table_add(t, "%zu", before);
	table_add(t, "%zu", after);
}

static void show_table(const struct tale *tale, const struct demo_snapshot *b,
		       const struct demo_snapshot *a)
{
	struct table t;

	table_init(&t, 3, 1u << 1 | 1u << 2);
	table_add(&t, "%s", "");
	table_add(&t, "before");
	table_add(&t, "after");
	add_row(&t, "network namespaces in " NETNS_DIR,
		json_object_size(b->netns), json_object_size(a->netns));
	add_row(&t, "network devices here", json_object_size(b->links),
		json_object_size(a->links));
	add_row(&t, "files and sockets in " DEMO_RUN_DIR,
		json_object_size(b->files), json_object_size(a->files));
	add_row(&t, "open descriptors of this process", b->descriptors,
		a->descriptors);
	add_row(&t, "child processes", b->children, a->children);
	table_print(&t, 3, out_colour(&tale->out, OUT_DIM),
		    out_colour(&tale->out, OUT_PLAIN));
	table_done(&t);
}

int demo_prove(struct tale *t, const struct demo_snapshot *before,
	       const struct demo_state *made, struct err *reterr)
{
	json_t *came = json_array();
	struct demo_snapshot after;
	unsigned ours;
	int rc;

	rc = demo_snapshot(&after, reterr);
	if (rc < 0) {
		json_decref(came);
		return rc;
	}
	if (tale_is_text(t))
		show_table(t, before, &after);
	ours = compare(before->netns, after.netns, made, came) +
	       compare(before->links, after.links, made, came) +
	       compare(before->files, after.files, made, came);
	for (size_t i = 0; i < json_array_size(came); i++)
		tale_say(t, "came meanwhile: %s",
			 json_string_value(json_array_get(came, i)));
	(void)tale_check(t,
			 ours == 0 && after.children == before->children &&
				 after.descriptors == before->descriptors,
			 "nothing of it is left");
	tale_fact(t, "came_meanwhile", came);
	demo_snapshot_done(&after);
	return 0;
}

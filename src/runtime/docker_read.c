/*
 * Fields are read from the JSON as it comes; one that is missing or of another
 * type is as if it were empty, and what cannot do without it says so. Docker
 * and Podman differ in `State.Running` of a paused container, hence `Status`.
 */
#include "runtime/docker_read.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "runtime/about.h"
#include "wire/member.h"

/* The newest version that was looked at; older ones have all we read, too. */
static const unsigned ours[2] = { 1, 44 };

static json_t *load(const char *text, size_t len, struct err *reterr)
{
	json_error_t e;
	json_t *v = json_loadb(text, len, 0, &e);

	if (!v)
		(void)err_set(reterr, EBADMSG, NULL,
			      "its answer is no JSON: %s", e.text);
	return v;
}

static bool parse_version(const char *text, unsigned ret[2])
{
	char end;

	/* NOLINTNEXTLINE(cert-err34-c): three digits cannot overflow */
	return sscanf(text, "%3u.%3u%c", &ret[0], &ret[1], &end) == 2;
}

static bool older(const unsigned a[2], const unsigned b[2])
{
	return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1]);
}

bool docker_read_version(const char *text, size_t len, char ret[16],
			 struct err *reterr)
{
	json_t *v = load(text, len, reterr);
	unsigned newest[2], oldest[2];
	const unsigned *use = ours;
	bool ok;

	if (!v)
		return false;
	ok = parse_version(member_text(v, "ApiVersion"), newest);
	if (ok && older(newest, use))
		use = newest;
	if (parse_version(member_text(v, "MinAPIVersion"), oldest) &&
	    older(use, oldest))
		use = oldest;
	if (ok)
		(void)snprintf(ret, 16, "%u.%u", use[0], use[1]);
	else
		(void)err_set(reterr, EBADMSG, NULL,
			      "its /version names no ApiVersion");
	json_decref(v);
	return ok;
}

json_t *docker_read_list(const char *text, size_t len, struct err *reterr)
{
	json_t *v = load(text, len, reterr);

	if (v && !json_is_array(v)) {
		json_decref(v);
		v = NULL;
		(void)err_set(reterr, EBADMSG, NULL, "its list is no list");
	}
	return v;
}

bool docker_list_item(const json_t *item, char ret_id[RUNTIME_ID_MAX],
		      uint64_t *ret_brief)
{
	const char *id = member_text(item, "Id"),
		   *state = member_text(item, "State");
	const char *name = json_string_value(
		json_array_get(json_object_get(item, "Names"), 0));

	if (!about_id_ok(id))
		return false;
	memcpy(ret_id, id, strlen(id) + 1);
	*ret_brief = XXH3_64bits(state, strlen(state)) | 1;
	if (name)
		*ret_brief ^= XXH3_64bits(name, strlen(name)) << 1;
	return true;
}

static void read_labels(json_t *about, const json_t *config)
{
	const char *name;
	json_t *value;

	/* jansson's iteration wants an object that it may change */
	json_object_foreach (json_object_get(config, "Labels"), name, value)
		if (json_is_string(value))
			about_label(about, name, json_string_value(value));
}

static void read_ports(json_t *about, json_t *ports)
{
	const char *port;
	json_t *unused;

	json_object_foreach (ports, port, unused)
		about_port(about, port);
}

static json_t *read_about(const json_t *v, const char *status)
{
	const json_t *config = json_object_get(v, "Config");
	const char *name = member_text(v, "Name"),
		   *image = member_text(config, "Image");
	const json_t *state = json_object_get(v, "State");
	long long started = about_time(member_text(state, "StartedAt"));
	json_t *about = json_object();

	read_labels(about, config);
	read_ports(about, json_object_get(config, "ExposedPorts"));
	read_ports(about, json_object_get(json_object_get(v, "NetworkSettings"),
					  "Ports"));
	if (name[0] == '/')
		name++;
	about_place(about, name[0] ? name : member_text(v, "Id"));
	about_text(about, "image",
		   image[0] ? image : member_text(v, "ImageName"));
	about_text(about, "state", status);
	if (started > 0)
		(void)json_object_set_new(about, "started",
					  json_integer(started));
	return about;
}

bool docker_read_container(const char *text, size_t len, struct container *ret,
			   struct err *reterr)
{
	json_t *v = load(text, len, reterr);
	const json_t *state = json_object_get(v, "State");
	const char *status = member_text(state, "Status");
	json_int_t pid = json_integer_value(json_object_get(state, "Pid"));
	bool ok = json_is_object(state) && status[0] && pid >= 0 &&
		  pid <= INT_MAX;

	*ret = (struct container){ 0 };
	if (ok) {
		/* Podman's, while it waits for the end */
		if (strcmp(status, "stopping") == 0)
			status = "running";
		ret->runs = pid > 0 && (strcmp(status, "running") == 0 ||
					strcmp(status, "paused") == 0);
		ret->pid = (pid_t)pid;
		ret->about = read_about(v, status);
		container_set_netns(
			ret, member_text(json_object_get(v, "NetworkSettings"),
					 "SandboxKey"));
	} else if (v) {
		(void)err_set(reterr, EBADMSG, NULL,
			      "it tells no state of the container");
	}
	json_decref(v);
	return ok;
}

static bool matters(const char *action)
{
	static const char *const those[] = {
		"start", "restart", "die",    "died",	"kill",	   "stop",
		"pause", "unpause", "rename", "update", "destroy", "remove",
	};

	for (size_t i = 0; i < sizeof those / sizeof *those; i++)
		if (strcmp(action, those[i]) == 0)
			return true;
	return false;
}

enum docker_event docker_read_event(const char *line, size_t len,
				    char ret_id[RUNTIME_ID_MAX])
{
	enum docker_event found = DOCKER_EVENT_NONE;
	json_t *v;
	const char *id;

	if (len == 1 && line[0] == '\n') /* a sign of life */
		return DOCKER_EVENT_NONE;
	v = json_loadb(line, len, 0, NULL);
	id = member_text(json_object_get(v, "Actor"), "ID");
	if (id[0] == '\0')
		id = member_text(v, "id");
	if (!json_is_object(v)) {
		found = DOCKER_EVENT_BAD;
	} else if (strcmp(member_text(v, "Type"), "container") == 0 &&
		   matters(member_text(v, "Action"))) {
		found = about_id_ok(id) ? DOCKER_EVENT_LOOK : DOCKER_EVENT_BAD;
		if (found == DOCKER_EVENT_LOOK)
			memcpy(ret_id, id, strlen(id) + 1);
	}
	json_decref(v);
	return found;
}

long docker_split(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	if (!end)
		return len > RUNTIME_EVENT_BYTES_MAX ? -1 : 0;
	return end - text + 1;
}

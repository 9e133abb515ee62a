/*
 * Weir itself: which of its processes run, whether they are alike, who may ask at their
 * doors, and what an earlier run has left. Without an agent all but that is good:
 * it was not started yet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "doctor/checks.h"
#include "door/agentclient.h"
#include "door/dpclient.h"
#include "fleet/cert.h"
#include "net/inplace.h"
#include "wire/member.h"

#define API_PORT 8787
/* For a connection within the host. */
#define API_WAIT_MS 1000

static const char *agent_door(const struct doctor *d)
{
	return d->options->agent ? d->options->agent : d->config.door;
}

static const char *plane_door(const struct doctor *d)
{
	return d->options->plane ? d->options->plane : d->config.plane_door;
}

/* --- who runs -------------------------------------------------------------------- */

/* Its `status`, or NULL and why not. */
static json_t *ask_agent(const char *door, struct err *reterr)
{
	struct timeval wait = { .tv_sec = DOCTOR_AGENT_S };
	struct agentclient c;
	const char *text = NULL;
	size_t len = 0;
	json_t *v = NULL;
	int rc = agentclient_open(door, &c, reterr);

	if (rc < 0)
		return NULL;
	/* who hangs is told; what is set here cannot fail on a socket */
	(void)setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	rc = agentclient_ask_text(&c, "status", NULL, NULL, &text, &len,
				  reterr);
	if (rc == 0)
		v = json_loadb(text, len, 0, NULL);
	if (rc == 0 && !json_is_true(json_object_get(v, "ok"))) {
		(void)err_set(reterr, EPROTO, NULL, "it refuses: %.120s",
			      member_text(json_object_get(v, "error"), "text"));
		json_decref(v);
		v = NULL;
	}
	agentclient_done(&c);
	return v;
}

static void tell_agent(struct doctor *d)
{
	struct doctor_check c = { .name = "weir-agent" };

	d->status = ask_agent(agent_door(d), &d->why_no_agent);
	if (d->status) {
		doctor_tell(d, &c, "answers at %s, version %s", agent_door(d),
			    member_text(d->status, "version"));
		return;
	}
	c.result = d->why_no_agent.code == EACCES ? DOCTOR_NOT_LOOKED
						  : DOCTOR_LIMITED;
	c.means = "nothing new is guarded, learned or recorded; what was "
		  "diverted stays so";
	c.todo = c.result == DOCTOR_NOT_LOOKED ? DOCTOR_AS_ROOT
					       : "systemctl start weir-agent";
	doctor_tell(d, &c, "%s",
		    d->why_no_agent.code == EAGAIN ||
				    d->why_no_agent.code == ETIMEDOUT
			    ? "hangs: it does not answer"
			    : d->why_no_agent.text);
}

static void tell_alike(struct doctor *d, const char *plane)
{
	struct doctor_check c = { .name = "versions" };
	const char *agent = d->status ? member_text(d->status, "version") : "";
	bool alike = (!agent[0] || strcmp(agent, WEIR_VERSION) == 0) &&
		     (!plane[0] || strcmp(plane, WEIR_VERSION) == 0);

	if (!alike) {
		c.result = DOCTOR_LIMITED;
		c.means = "one was upgraded and not started anew";
		c.todo = "systemctl restart weir-agent, then weir upgrade: "
			 "connections go on";
	}
	doctor_tell(d, &c, "weir " WEIR_VERSION ", weir-agent %s, weir-dp %s",
		    agent[0] ? agent : "not asked",
		    plane[0] ? plane : "not asked");
}

static void tell_plane(struct doctor *d)
{
	struct doctor_check c = { .name = "weir-dp" };
	struct dpclient client;
	struct err err = { 0 };
	json_t *v = NULL;
	int rc = dpclient_open(plane_door(d), &client, &err);

	if (rc == 0) {
		rc = dpclient_ask_name(&client, "weir_version", &v, &err);
		dpclient_done(&client);
	}
	if (rc == 0) {
		doctor_tell(d, &c, "answers at %s, version %s", plane_door(d),
			    member_text(v, "version"));
	} else {
		c.result = rc == -EACCES || rc == -EPERM ? DOCTOR_NOT_LOOKED
			   : d->status			 ? DOCTOR_MISSING
							 : DOCTOR_LIMITED;
		c.means = d->status ? "protected ports pass nothing, or all, "
				      "as guard.on_failure says"
				    : "the agent starts it";
		c.todo = c.result == DOCTOR_NOT_LOOKED ? DOCTOR_AS_ROOT
			 : d->status ? "see the agent's log for why it ends"
				     : "systemctl start weir-agent";
		doctor_tell(d, &c, "%s", err.text);
	}
	tell_alike(d, member_text(v, "version"));
	json_decref(v);
}

static void tell_program(struct doctor *d)
{
	struct doctor_check c = { .name = "program of weir-dp" };

	if (access(d->config.program, X_OK) == 0) {
		doctor_tell(d, &c, "%s", d->config.program);
		return;
	}
	c.result = DOCTOR_MISSING;
	c.means = "the agent cannot start a data plane";
	c.todo = "install it, or say where it is (data_plane.program)";
	doctor_tell(d, &c, "%s: %s", d->config.program, strerror(errno));
}

static bool api_listens(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(API_PORT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof error;
	bool there;

	if (fd < 0)
		return false;
	there = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ||
		(errno == EINPROGRESS && poll(&p, 1, API_WAIT_MS) == 1 &&
		 getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
		 error == 0);
	close(fd);
	return there;
}

static void tell_api(struct doctor *d)
{
	doctor_tell(d, &(struct doctor_check){ .name = "weir-api" },
		    "%s at 127.0.0.1:%d (only the web UI and REST need it)",
		    api_listens() ? "somebody listens" : "nobody listens",
		    API_PORT);
}

/* --- doors ------------------------------------------------------------------------- */

static void tell_door(struct doctor *d, const char *path, const char *whose,
		      bool group_may)
{
	struct doctor_check c = { .name = "door" };
	struct stat st;
	struct group *g;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return; /* told above: it does not answer */
		c.result = DOCTOR_NOT_LOOKED;
		c.todo = DOCTOR_AS_ROOT;
		doctor_tell(d, &c, "%s: %s", path, strerror(errno));
		return;
	}
	if (st.st_uid != 0 || st.st_mode & S_IWOTH ||
	    (!group_may && st.st_gid != 0 && st.st_mode & S_IWGRP)) {
		c.result = DOCTOR_LIMITED;
		c.means = "more than root may open it; the agent asks who it "
			  "is, the data plane does not answer others";
		c.todo = "chown root, chmod o-w; or restart whose it is";
	}
	g = getgrgid(st.st_gid);
	doctor_tell(d, &c, "%s of %s: user %u, group %s, mode %04o", path,
		    whose, (unsigned)st.st_uid, g ? g->gr_name : "?",
		    (unsigned)st.st_mode & 07777);
}

static void tell_accounts(struct doctor *d)
{
	bool api = getpwnam(d->config.api_user),
	     export = getpwnam(d->config.export_user),
	     group = getgrnam(d->config.door_group);

	doctor_tell(d, &(struct doctor_check){ .name = "who may ask" },
		    "root; %s%s, any command; %s%s, what only reads; of group "
		    "%s%s",
		    d->config.api_user, api ? "" : " (no such account)",
		    d->config.export_user, export ? "" : " (no such account)",
		    d->config.door_group, group ? "" : " (no such group)");
}

/* --- a fleet ------------------------------------------------------------------------- */

/*
 * The certificate by which the servers know this node: as the agent uses it, and as it
 * lies in its file, which it may not have read yet.
 */
static void tell_certificate(struct doctor *d)
{
	struct doctor_check c = { .name = "certificate of the fleet" };
	const char *path = d->config.cluster.cert;
	char words[FLEET_CERT_WORDS_MAX];
	enum fleet_cert_state state;
	struct err err = { 0 };
	int64_t end, used;
	int rc;

	if (d->config.cluster.n_servers == 0 || !path)
		return;
	rc = fleet_cert_end(path, &end, &err);
	if (rc < 0) {
		c.result = doctor_result_of(rc, DOCTOR_MISSING);
		c.means = "this node is cut off from the fleet at its next "
			  "start";
		c.todo = c.result == DOCTOR_NOT_LOOKED
				 ? DOCTOR_AS_ROOT
				 : "copy it from the folder of weir fleet init";
		doctor_tell(d, &c, "%s: %s", path, err.text);
		return;
	}
	used = json_integer_value(json_object_get(
		json_object_get(d->status, "fleet"), "certificate_ends"));
	state = fleet_cert_words(end, (int64_t)time(NULL), words);
	if (state != FLEET_CERT_HOLDS) {
		c.result = DOCTOR_LIMITED;
		c.means = "the servers turn this node away after its end, and "
			  "it is cut off";
		c.todo = "weir fleet init DIR --renew, where the fleet was "
			 "made";
	}
	if (used && used != end && state != FLEET_CERT_ENDED) {
		c.result = DOCTOR_LIMITED;
		c.means = "the agent uses the one that was there before";
		c.todo = "systemctl reload weir-agent";
	}
	doctor_tell(d, &c, "%s: %s", path, words);
}

/* --- what is left -------------------------------------------------------------------- */

static void tell_leftovers(struct doctor *d)
{
	struct doctor_check c = { .name = "diverted ports" };
	struct inplace_stat *list = NULL;
	struct err err = { 0 };
	size_t n = 0, gone = 0;
	int rc = inplace_list(&list, &n, &err);

	for (size_t k = 0; k < n; k++)
		gone += list[k].dev[0] == '\0';
	free(list);
	if (rc < 0 && rc != -ENOENT) {
		c.result = DOCTOR_NOT_LOOKED;
		c.todo = DOCTOR_AS_ROOT;
		doctor_tell(d, &c, "%s", err.text);
		return;
	}
	if (n > 0 && !d->status &&
	    (d->why_no_agent.code == ECONNREFUSED ||
	     d->why_no_agent.code == ENOENT)) {
		c.result = DOCTOR_LIMITED;
		c.means = "left by an earlier run: what was protected is as "
			  "guard.on_failure says, what is on hold passes "
			  "nothing";
		c.todo = "start the agent, which goes on with them, or weir "
			 "release --all, which leaves the host as it was";
	}
	doctor_tell(d, &c, "%zu in place, %zu of them of devices that are gone",
		    n, gone);
}

void doctor_weir(struct doctor *d)
{
	d->group = "weir";
	tell_program(d);
	tell_agent(d);
	tell_plane(d);
	tell_api(d);
	tell_door(d, agent_door(d), "weir-agent", true);
	tell_door(d, plane_door(d), "weir-dp", false);
	tell_accounts(d);
	tell_certificate(d);
	tell_leftovers(d);
}

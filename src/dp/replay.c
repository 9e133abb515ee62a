/*
 * Each file starts with an empty flow table and the configuration of --load.
 * The clock is the capture's, so the same file gives the same lines every time,
 * on any machine; the hash seed is fixed for the same reason.
 *
 * All files are opened first and privileges dropped then: no capture is parsed
 * by a process that may do anything.
 */
#include "dp/replay.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "dp/answer.h"
#include "dp/config.h"
#include "dp/load.h"
#include "dp/opener.h"
#include "dp/replay_detection.h"
#include "dp/settings.h"
#include "inspect/image.h"
#include "inspect/inspect.h"
#include "ring/ring.h"
#include "wire/app.h"
#include "wire/ctrl.h"
#include "wire/reason.h"
#include "wire/words.h"

#define REPLAY_SEED 0x77656972 /* any fixed number */

struct capture {
	char *name;
	FILE *file; /* NULL once a ring has it */
};

/* Records of the flows of one file; grows, this is no frame's way. */
struct collected {
	struct session_record *records;
	size_t n, room;
	bool failed;
};

struct replay {
	const struct options *opt;
	const json_t *load;
	struct inspect_options inspect_options;
	struct inspect *inspect;
	const struct snapshot *snapshot; /* the config's */
	struct config *config;
	struct replay_detection *detection; /* NULL: nobody asks for it */
	struct inspect_settings settings;
	uint64_t frames;
	struct collected flows;
};

static void collect(void *arg, const struct session_record *s)
{
	struct collected *c = arg;

	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 1024;
		struct session_record *grown =
			realloc(c->records, room * sizeof *grown);

		if (!grown) {
			c->failed = true;
			return;
		}
		c->records = grown;
		c->room = room;
	}
	c->records[c->n++] = *s;
}

static void publish(void *arg, const struct snapshot *next)
{
	struct replay *r = arg;

	r->snapshot = next;
	/* what was before is the config's to free */
	(void)inspect_adopt(r->inspect, next);
}

static int apply_settings(struct replay *r, const struct ctrl_msg *m,
			  struct err *reterr)
{
	int rc = settings_read(m->settings, &r->settings, &r->settings, reterr);

	if (rc < 0)
		err_prefix(reterr, ctrl_name(m->kind));
	else
		inspect_configure(r->inspect, &r->settings);
	return rc;
}

/* Only what says who and what may be; a capture has no port and no door. */
static int apply(void *arg, const char *name, const json_t *body,
		 struct err *reterr)
{
	struct replay *r = arg;
	struct config *c = r->config;
	int kind = ctrl_kind_by_name(name), rc;
	struct ctrl_msg m;

	if (kind < 0)
		return err_set(reterr, ENOENT, NULL, "no message \"%.64s\"",
			       name);
	rc = ctrl_parse((enum ctrl_kind)kind, body, true, &m, reterr);
	if (rc < 0)
		return rc;
	switch (m.kind) {
	case CTRL_ADD_MAC: rc = config_add_mac(c, &m, reterr); break;
	case CTRL_CFG_MAC: rc = config_cfg_mac(c, &m, true, reterr); break;
	case CTRL_CFG_INTERNAL_NET:
	case CTRL_CFG_SPECIP_NET:
	case CTRL_CFG_POLICY_ADDR:
		rc = config_subnets(c, &m, true, reterr);
		break;
	case CTRL_CFG_POLICY: rc = config_policy(c, &m, true, reterr); break;
	case CTRL_CFG_SET_FQDN: rc = config_set_fqdn(c, &m, reterr); break;
	case CTRL_CFG_DEL_FQDN:
		rc = config_del_fqdn(c, &m, true, reterr);
		break;
	case CTRL_CFG_NBE: rc = config_nbe(c, &m, true, reterr); break;
	case CTRL_SYS_CONF:
	case CTRL_DISABLE_NET_POLICY:
	case CTRL_DETECT_UNMANAGED:
	case CTRL_STRICT_GROUP_MODE:
	case CTRL_ENABLE_ICMP_POLICY: rc = config_switch(c, &m, reterr); break;
	case CTRL_WEIR_SETTINGS: rc = apply_settings(r, &m, reterr); break;
	case CTRL_WEIR_RULES:
		rc = replay_rules(r->detection, &m, reterr);
		break;
	case CTRL_WEIR_DETECTION:
		rc = replay_sensors(r->detection, &m, reterr);
		break;
	default: break; /* the port's and the doors' messages */
	}
	ctrl_msg_done(&m);
	return rc;
}

static int by_id(const void *a, const void *b)
{
	const struct session_record *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* "ADDRESS:PORT", IPv6 in brackets; ports only where the protocol has them. */
static const char *end_text(char buf[static IP_TEXT_MAX + 10], struct ip_addr a,
			    uint16_t port, bool with_port)
{
	char ip[IP_TEXT_MAX];
	bool v4 = ip_is_v4(a);

	(void)ip_format(a, ip);
	if (!with_port)
		(void)snprintf(buf, IP_TEXT_MAX + 10, "%s", ip);
	else
		(void)snprintf(buf, IP_TEXT_MAX + 10, v4 ? "%s:%u" : "[%s]:%u",
			       ip, port);
	return buf;
}

static void print_flow(const struct session_record *s)
{
	char client[IP_TEXT_MAX + 10], server[IP_TEXT_MAX + 10], proto[4];
	bool ports = s->client_port || s->server_port;

	printf("%s %s > %s", proto_name(s->proto, proto),
	       end_text(client, s->client, s->client_port, ports),
	       end_text(server, s->server, s->server_port, ports));
	if (s->vlans)
		printf(" vlan=%u", s->vlans & 0xfff);
	if (s->tunnel)
		printf(" %s=%u", s->tunnel, s->tunnel_id);
	printf(" app=%s verdict=%s reason=%s rule=%u%s\n",
	       app_name(s->application) ? app_name(s->application) : "-",
	       s->blocked ? "deny" : policy_action_name(s->policy_action),
	       reason_name((enum reason)s->reason), s->policy_id,
	       s->flags & SESSION_MIDSTREAM ? " midstream" : "");
}

static void print_block(const struct block_record *b)
{
	char from[IP_TEXT_MAX + 10], to[IP_TEXT_MAX + 10], proto[4];
	bool icmp = b->proto == 1 || b->proto == 58;

	printf("%s %s > %s app=- verdict=%s reason=%s rule=%u\n",
	       proto_name(b->proto, proto), end_text(from, b->from, 0, false),
	       end_text(to, b->to, b->to_port, b->to_port && !icmp),
	       policy_action_name(b->action),
	       reason_name((enum reason)b->reason), b->rule_id);
}

static void print_json(const struct session_record *s)
{
	json_t *o = answer_session(s);

	(void)json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

/* What was denied before it was a flow: violations are flows already. */
static void print_blocks(const struct replay *r)
{
	static struct block_record blocks[BLOCKS_MAX];
	size_t n = inspect_copy_blocks(r->inspect, blocks);

	for (size_t i = n; i > 0; i--)
		if (blocks[i - 1].action == POLICY_DENY && !r->opt->json)
			print_block(&blocks[i - 1]);
}

/* NULL: out of memory. */
static struct inspect *make_inspect(struct replay *r)
{
	struct inspect *in = inspect_new(&r->inspect_options);

	if (in) {
		inspect_on_flow_end(in, collect, &r->flows);
		inspect_configure(in, &r->settings);
	}
	return in;
}

static int load_image(struct inspect *in, const void *image, size_t len)
{
	struct inspect_taken taken;
	struct image_reader reader;
	int rc = image_read(&reader, image, len);

	if (rc == 0)
		rc = inspect_load(in, &reader, &taken);
	for (unsigned i = 0; rc == 0 && i < INSPECT_PART__MAX; i++)
		if (taken.missing & 1u << i)
			log_error("--hand-over: %s: not taken",
				  inspect_part_name((enum inspect_part)i));
	return rc;
}

/* Another seed each time: what is hashed goes on by the one it has. */
static int hand_over(struct replay *r)
{
	struct inspect *next;
	struct image_writer w;
	void *image;
	int rc = -ENOMEM;

	image_write(&w, NULL, 0);
	inspect_save(r->inspect, &w);
	image = calloc(1, w.len);
	r->inspect_options.seed++;
	next = make_inspect(r);
	if (image && next) {
		image_write(&w, image, w.len);
		inspect_save(r->inspect, &w);
		(void)inspect_adopt(next, r->snapshot);
		rc = r->detection ? replay_detection_move(r->detection, next)
				  : 0;
		if (rc == 0)
			rc = load_image(next, image, w.len);
	}
	free(image);
	if (rc < 0) {
		if (r->detection) /* what it was moved to goes */
			(void)replay_detection_move(r->detection, r->inspect);
		inspect_free(next);
		return rc;
	}
	inspect_free(r->inspect);
	r->inspect = next;
	return 0;
}

static void print_threat(const struct threat_record *t)
{
	char from[IP_TEXT_MAX + 10], to[IP_TEXT_MAX + 10], proto[4];
	bool ports = t->src_port || t->dst_port;

	printf("threat %u severity=%s action=%s", t->id,
	       severity_name(t->severity), dpi_action_name(t->action));
	if (t->proto) /* else its header could not be read */
		printf(" %s %s > %s", proto_name(t->proto, proto),
		       end_text(from, t->src, t->src_port, ports),
		       end_text(to, t->dst, t->dst_port, ports));
	printf(": %s\n", t->text);
}

/* As they are met; one that is repeated, once in ten seconds. */
static void print_threats(struct replay *r)
{
	struct threat_record t;

	while (!r->opt->json && inspect_drain_threats(r->inspect, &t, 1) == 1)
		print_threat(&t);
}

static void print_finding(const struct finding_record *f)
{
	char client[IP_TEXT_MAX + 10], server[IP_TEXT_MAX + 10], proto[4];
	bool ports = f->client_port || f->server_port;

	printf("%s %u action=%s %s %s > %s", finding_kind_name(f->kind), f->id,
	       dpi_action_name(f->action), proto_name(f->proto, proto),
	       end_text(client, f->client, f->client_port, ports),
	       end_text(server, f->server, f->server_port, ports));
	printf(": %s: %s\n", f->name, f->evidence);
}

static void print_findings(struct replay *r)
{
	struct finding_record f;

	while (!r->opt->json && inspect_drain_findings(r->inspect, &f, 1) == 1)
		print_finding(&f);
}

static int one_frame(struct replay *r, struct ring_frame f, usec_t now)
{
	struct frame frame = { .bytes = f.bytes,
			       .wire_len = f.wire_len,
			       .csum = f.csum };

	inspect_age(r->inspect, now);
	(void)inspect_frame(r->inspect, frame, now);
	print_threats(r);
	print_findings(r);
	if (!r->opt->hand_over || ++r->frames % r->opt->hand_over != 0)
		return 0;
	return hand_over(r);
}

/* Frames until the end of the file; 0, or -EIO when it is cut, -ENOMEM. */
static int run_frames(struct replay *r, struct ring *ring, usec_t *ret_now)
{
	int n, rc = 0;

	while (rc == 0 && (n = ring_recv(ring)) > 0)
		for (int i = 0; i < n && rc == 0; i++) {
			struct ring_frame f = ring_frame(ring, (unsigned)i);

			/* a capture may step back in time; we do not */
			if (usec_before(*ret_now, f.time))
				*ret_now = f.time;
			rc = one_frame(r, f, *ret_now);
		}
	return rc < 0 ? rc : n;
}

/* What belongs to no flow or block that could say why. */
static void print_dropped(const struct replay *r)
{
	struct inspect_counts c = inspect_counts(r->inspect);

	for (int i = 0; i < REASON__MAX; i++)
		if (c.dropped[i] && reason_kind((enum reason)i) == 'D' &&
		    i != REASON_TAP && !r->opt->json)
			printf("dropped reason=%s frames=%" PRIu64 "\n",
			       reason_name((enum reason)i), c.dropped[i]);
}

/* What is known only when a connection is over. */
static void print_last_findings(struct replay *r)
{
	const struct flow_pick all = { FLOW_PICK_ALL, 0 };
	uint32_t cursor = 0, n = 0;

	if (!r->detection)
		return;
	while (inspect_end_flows(r->inspect, all, &cursor, &n))
		print_findings(r);
	print_findings(r);
}

static void print_results(struct replay *r, usec_t now)
{
	struct session_record s;
	uint32_t cursor = 0;

	while (inspect_copy_flows(r->inspect, &cursor, now, &s, 1) == 1)
		collect(&r->flows, &s);
	if (r->flows.n)
		qsort(r->flows.records, r->flows.n, sizeof s, by_id);
	for (size_t i = 0; i < r->flows.n; i++) {
		if (r->opt->json)
			print_json(&r->flows.records[i]);
		else
			print_flow(&r->flows.records[i]);
	}
	print_blocks(r);
	print_dropped(r);
	print_last_findings(r);
}

static int begin_detection(struct replay *r)
{
	struct err err;

	if (!r->inspect_options.detection)
		return 0;
	r->detection = replay_detection_new(r->inspect, r->config, &err);
	if (!r->detection)
		log_error("%s", err.text);
	return r->detection ? 0 : -ENOMEM;
}

static int run_configured(struct replay *r, struct ring *ring, const char *name)
{
	usec_t now = { 0 };
	int rc = -ENOMEM;

	r->config = config_new(publish, r);
	if (r->config)
		rc = begin_detection(r);
	if (rc == 0)
		rc = load_each(r->load, apply, r);
	if (rc == 0) {
		rc = run_frames(r, ring, &now);
		/* what came before a cut is still true */
		print_results(r, now);
		if (rc < 0)
			log_error("%s: %s", name,
				  rc == -ENOMEM ? "out of memory"
						: "broken or cut short");
	}
	if (r->flows.failed)
		rc = -ENOMEM;
	replay_detection_free(r->detection);
	inspect_free(r->inspect);
	config_free(r->config);
	return rc;
}

static int run_file(const struct options *opt, const json_t *load,
		    struct capture *c, bool with_name)
{
	struct replay r = {
		.opt = opt,
		.load = load,
		.inspect_options = { .max_flows = opt->max_flows,
				     .breadth = true,
				     .seed = REPLAY_SEED,
				     .capture = true,
				     .detection =
					     replay_detection_is_asked(load) },
		.settings = inspect_settings_default()
	};
	struct err err;
	struct ring *ring = ring_capture_new(c->file, &err);
	int rc;

	c->file = NULL;
	if (!ring) {
		log_error("%s: %s", c->name, err.text);
		return -EINVAL;
	}
	r.inspect = make_inspect(&r);
	if (!r.inspect) {
		ring_free(ring);
		log_error("out of memory for %u flows", opt->max_flows);
		return -ENOMEM;
	}
	if (with_name && !opt->json)
		printf("# %s\n", c->name);
	rc = run_configured(&r, ring, c->name);
	free(r.flows.records);
	ring_free(ring);
	return rc;
}

static int open_one(const char *path, struct capture *ret)
{
	FILE *file = fopen(path, "rbe");
	char *name;

	if (!file) {
		log_error("%s: %s", path, strerror(errno));
		return -1;
	}
	name = strdup(path);
	if (!name) {
		fclose(file);
		return -1;
	}
	*ret = (struct capture){ name, file };
	return 0;
}

static int not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Opens a file, or all files of a folder in the order of their names. */
static int open_all(const char *path, struct capture *ret, size_t *ret_n)
{
	struct dirent **names;
	struct stat st;
	int n, rc = 0;

	*ret_n = 0;
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		*ret_n = 1;
		rc = open_one(path, ret);
		*ret_n = rc == 0;
		return rc;
	}
	n = scandir(path, &names, not_hidden, alphasort);
	if (n < 0 || n > CAPTURE_FILES_MAX) {
		log_error("%s: %s", path,
			  n < 0 ? strerror(errno) : "too many files");
		rc = -1;
	}
	for (int i = 0; i < n; i++) {
		char *full = NULL;

		if (rc == 0 &&
		    asprintf(&full, "%s/%s", path, names[i]->d_name) > 0 &&
		    stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
			rc = open_one(full, &ret[*ret_n]);
			*ret_n += rc == 0;
		}
		free(full);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return rc;
}

int replay_run(const struct options *opt, const json_t *load)
{
	static struct capture captures[CAPTURE_FILES_MAX];
	struct err err;
	size_t n;
	int status = 0;

	if (open_all(opt->replay, captures, &n) < 0)
		status = 1;
	if (status == 0 && n == 0) {
		log_error("%s: no captures in it", opt->replay);
		status = 1;
	}
	if (status == 0 && opener_drop(opt->user, &err) < 0) {
		log_error("%s: %s", err.at, err.text);
		status = 1;
	}
	for (size_t i = 0; i < n; i++) {
		if (status == 0 && run_file(opt, load, &captures[i], n > 1) < 0)
			status = 1;
		if (captures[i].file)
			fclose(captures[i].file);
		free(captures[i].name);
	}
	return status;
}

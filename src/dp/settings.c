/*
 * A section of the message is a row of `sections`: how it is read, and how it
 * is shown. Reading leaves alone what is not there, so it is done on a copy,
 * and the copy is thrown away when anything in it is wrong.
 */
#include "dp/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "wire/field.h"

/* Ids of threats and lists of words, in error texts. */
#define WORDS_TEXT_MAX 64

/* The words of a setting, by its value; NULL: none may be set so. */
struct words {
	const char *const *word;
	unsigned n;
};
#define WORDS(...)                                                 \
	{                                                          \
		(const char *const[]) __VA_ARGS__,                 \
			sizeof((const char *const[])__VA_ARGS__) / \
				sizeof(char *)                     \
	}

static const struct words exception_words = WORDS({
	[STREAM_PASS] = "pass",
	[STREAM_DROP] = "drop",
	[STREAM_BYPASS] = "bypass",
});
static const struct words stream_overlap_words = WORDS({
	[STREAM_FIRST_WINS] = "first",
	[STREAM_LAST_WINS] = "last",
});
static const struct words fragment_overlap_words = WORDS({
	[DEFRAG_OVERLAP_KILL] = "kill",
	[DEFRAG_OVERLAP_FIRST] = "first",
});
static const struct words flows_full_words = WORDS({
	[FLOWS_FULL_JUDGE] = "judge",
	[FLOWS_FULL_DROP] = "drop",
});
static const struct words policy_absent_words = WORDS({
	[POLICY_ABSENT_OPEN] = "open",
	[POLICY_ABSENT_DROP] = "drop",
});
static const struct words action_words = WORDS({
	[DPI_ALLOW] = "allow",
	[DPI_DROP] = "drop",
});
/* Of a threat that is a session or begins one. */
static const struct words session_action_words = WORDS({
	[DPI_ALLOW] = "allow",
	[DPI_DROP] = "drop",
	[DPI_RESET] = "reset",
});

typedef void read_fn(struct fields *f, struct inspect_settings *s, unsigned i);

/* The members of an object within that of f, if it is there. */
static void read_within(struct fields *f, const char *name, read_fn *read,
			struct inspect_settings *s, unsigned i)
{
	const json_t *object;
	struct fields within;

	if (!field_object(f, name, FIELD_MAY, &object))
		return;
	within = fields_open(object, true, f->reterr);
	read(&within, s, i);
	f->rc = fields_close(&within);
	if (f->rc)
		err_prefix(f->reterr, name);
}

static void read_word(struct fields *f, const char *name, struct words words,
		      uint8_t *ret)
{
	char all[WORDS_TEXT_MAX] = "";
	size_t len = 0;
	const char *text;

	if (!field_str(f, name, FIELD_MAY, WORDS_TEXT_MAX, &text))
		return;
	for (unsigned i = 0; i < words.n; i++) {
		if (!words.word[i])
			continue;
		if (strcmp(words.word[i], text) == 0) {
			*ret = (uint8_t)i;
			return;
		}
		len += (size_t)snprintf(all + len, sizeof all - len, "%s%s",
					len ? ", " : "", words.word[i]);
	}
	fields_refuse(f, name, "expected one of %s; got \"%s\"", all, text);
}

static void set(json_t *o, const char *name, json_t *v)
{
	(void)json_object_set_new(o, name, v);
}

static void show_word(json_t *o, const char *name, struct words words,
		      uint8_t value)
{
	set(o, name, json_string(words.word[value]));
}

/* --- meters -------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t at; /* a uint32_t of struct meter_rule */
} meter_numbers[] = {
	{ "span_s", offsetof(struct meter_rule, span_s) },
	{ "upper", offsetof(struct meter_rule, upper) },
	{ "lower", offsetof(struct meter_rule, lower) },
	{ "idle_s", offsetof(struct meter_rule, idle_s) },
	{ "log_gap_s", offsetof(struct meter_rule, log_gap_s) },
};
#define N_METER_NUMBERS (sizeof meter_numbers / sizeof *meter_numbers)

/* The ranges are checked when all of them are read. */
static void read_meter(struct fields *f, struct inspect_settings *s, unsigned i)
{
	struct meter_rule *r = &s->meters.rule[i];

	field_bool(f, "enabled", FIELD_MAY, &r->enabled);
	for (size_t k = 0; k < N_METER_NUMBERS; k++)
		field_u32(f, meter_numbers[k].name, FIELD_MAY, 0, UINT32_MAX,
			  (uint32_t *)((char *)r + meter_numbers[k].at));
}

static void read_meters(struct fields *f, struct inspect_settings *s,
			unsigned i)
{
	for (unsigned k = 0; k < METER_KIND__MAX; k++)
		read_within(f, meter_kind_name((enum meter_kind)k), read_meter,
			    s, k);
	if (!f->rc)
		f->rc = meter_options_check(&s->meters, f->reterr);
}

static void show_meters(json_t *o, const struct inspect_settings *s)
{
	for (unsigned k = 0; k < METER_KIND__MAX; k++) {
		const struct meter_rule *r = &s->meters.rule[k];
		json_t *meter;

		meter = json_pack("{s:b}", "enabled", r->enabled);
		for (size_t n = 0; n < N_METER_NUMBERS; n++) {
			uint32_t v;

			memcpy(&v, (const char *)r + meter_numbers[n].at,
			       sizeof v);
			set(meter, meter_numbers[n].name, json_integer(v));
		}
		set(o, meter_kind_name((enum meter_kind)k), meter);
	}
}

/* --- threats ------------------------------------------------------------- */

/*
 * What cannot be read cannot be judged, nor can a datagram that is not whole:
 * these are dropped whether the threat is looked for or not.
 */
static bool threat_has_action(unsigned i)
{
	uint32_t id = threat_kind_at(i)->id;

	return id != THREAT_INVALID_PACKET && id != THREAT_TEARDROP;
}

static struct words words_of_threat(unsigned i)
{
	switch (threat_kind_at(i)->id) {
	case THREAT_SOURCE_SESSIONS:
	case THREAT_SYN_WITH_DATA:
	case THREAT_NO_CLIENT_DATA:
	case THREAT_DNS_LOOP:
	case THREAT_SSH_1:
	case THREAT_HEARTBLEED:
	case THREAT_SSL2_CIPHERS:
	case THREAT_OLD_SSL:
	case THREAT_TLS_10:
	case THREAT_HTTP_LENGTH:
	case THREAT_HTTP_SMUGGLING:
	case THREAT_SLOWLORIS:
	case THREAT_SMALL_WINDOW:
	case THREAT_SQL_INJECTION:
	case THREAT_STRUTS_XML:
	case THREAT_DNS_OVERFLOW:
	case THREAT_SQL_DENIED:
	case THREAT_DNS_TRANSFER:
	case THREAT_DNS_NULL:
	case THREAT_TLS_11:
	case THREAT_SMALL_MSS:
	case THREAT_EXTERNAL_IP: return session_action_words;
	/* who floods need not be where it says, and pings have no end */
	default: return action_words;
	}
}

static const char *threat_id(unsigned i, char buf[static WORDS_TEXT_MAX])
{
	(void)snprintf(buf, WORDS_TEXT_MAX, "%u", threat_kind_at(i)->id);
	return buf;
}

static void read_threat(struct fields *f, struct inspect_settings *s,
			unsigned i)
{
	field_bool(f, "enabled", FIELD_MAY, &s->threats[i].enabled);
	if (threat_has_action(i))
		read_word(f, "action", words_of_threat(i),
			  &s->threats[i].action);
}

/* THREAT_KINDS: none. */
static unsigned threat_by_id(const char *text)
{
	char id[WORDS_TEXT_MAX];

	for (unsigned k = 0; k < THREAT_KINDS; k++)
		if (strcmp(threat_id(k, id), text) == 0)
			return k;
	return THREAT_KINDS;
}

static void read_threats(struct fields *f, struct inspect_settings *s,
			 unsigned i)
{
	const char *id;
	json_t *v;

	/* jansson's iteration wants a non-const object but changes nothing */
	json_object_foreach ((json_t *)(uintptr_t)f->obj, id, v) {
		unsigned k = threat_by_id(id);

		if (k == THREAT_KINDS)
			fields_refuse(f, id, "no threat has that id");
		else
			read_within(f, id, read_threat, s, k);
	}
}

static void show_threats(json_t *o, const struct inspect_settings *s)
{
	char id[WORDS_TEXT_MAX];

	for (unsigned k = 0; k < THREAT_KINDS; k++) {
		const struct threat_setting *t = &s->threats[k];
		json_t *threat;

		threat = json_pack("{s:b}", "enabled", t->enabled);
		if (threat_has_action(k))
			show_word(threat, "action", words_of_threat(k),
				  t->action);
		set(o, threat_id(k, id), threat);
	}
}

/* --- tables -------------------------------------------------------------- */

static void read_causes(struct fields *f, struct inspect_settings *s,
			unsigned i)
{
	for (int c = STREAM_CAUSE_NONE + 1; c < STREAM_CAUSE__MAX; c++)
		read_word(f, stream_cause_name((enum stream_cause)c),
			  exception_words, &s->streams_on[c]);
}

static void read_streams(struct fields *f, struct inspect_settings *s,
			 unsigned i)
{
	read_word(f, "overlap", stream_overlap_words, &s->streams_overlap);
	read_within(f, "on", read_causes, s, 0);
}

static void show_streams(json_t *o, const struct inspect_settings *s)
{
	json_t *on = json_object();

	for (int c = STREAM_CAUSE_NONE + 1; c < STREAM_CAUSE__MAX; c++)
		show_word(on, stream_cause_name((enum stream_cause)c),
			  exception_words, s->streams_on[c]);
	show_word(o, "overlap", stream_overlap_words, s->streams_overlap);
	set(o, "on", on);
}

static void read_limits(struct fields *f, struct inspect_settings *s,
			unsigned i)
{
	for (int l = 0; l < INSPECT_LIMIT__MAX; l++)
		read_word(f, inspect_limit_name((enum inspect_limit)l),
			  exception_words, &s->limits_on[l]);
}

static void read_inspection(struct fields *f, struct inspect_settings *s,
			    unsigned i)
{
	read_within(f, "on", read_limits, s, 0);
	field_u32(f, "signature_depth", FIELD_MAY, 0, UINT32_MAX,
		  &s->signature_depth);
	field_u32(f, "sensor_depth", FIELD_MAY, 0, UINT32_MAX,
		  &s->sensor_depth);
}

static void show_inspection(json_t *o, const struct inspect_settings *s)
{
	json_t *on = json_object();

	for (int l = 0; l < INSPECT_LIMIT__MAX; l++)
		show_word(on, inspect_limit_name((enum inspect_limit)l),
			  exception_words, s->limits_on[l]);
	set(o, "on", on);
	set(o, "signature_depth", json_integer(s->signature_depth));
	set(o, "sensor_depth", json_integer(s->sensor_depth));
}

static void read_fragments(struct fields *f, struct inspect_settings *s,
			   unsigned i)
{
	read_word(f, "overlap", fragment_overlap_words, &s->fragments_overlap);
}

static void show_fragments(json_t *o, const struct inspect_settings *s)
{
	show_word(o, "overlap", fragment_overlap_words, s->fragments_overlap);
}

static void read_flows(struct fields *f, struct inspect_settings *s, unsigned i)
{
	read_word(f, "full", flows_full_words, &s->flows_full);
}

static void show_flows(json_t *o, const struct inspect_settings *s)
{
	show_word(o, "full", flows_full_words, s->flows_full);
}

static void read_policy(struct fields *f, struct inspect_settings *s,
			unsigned i)
{
	read_word(f, "absent", policy_absent_words, &s->policy_absent);
}

static void show_policy(json_t *o, const struct inspect_settings *s)
{
	show_word(o, "absent", policy_absent_words, s->policy_absent);
}

/* --- tunnels ------------------------------------------------------------- */

/* 0 (TUNNEL_KIND_NONE): no kind has that name. */
static int tunnel_kind_by_name(const char *name)
{
	for (int k = TUNNEL_KIND_NONE + 1; k < TUNNEL_KIND__MAX; k++)
		if (strcmp(tunnel_kind_name((enum tunnel_kind)k), name) == 0)
			return k;
	return TUNNEL_KIND_NONE;
}

static void read_look(struct fields *f, struct tunnel_options *t)
{
	bool look[TUNNEL_KIND__MAX] = { false };
	const json_t *array;

	if (!field_array(f, "look", FIELD_MAY, TUNNEL_KIND__MAX - 1, &array))
		return;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		int kind = name ? tunnel_kind_by_name(name) : TUNNEL_KIND_NONE;
		char at[ERR_AT_MAX];

		(void)snprintf(at, sizeof at, "look[%zu]", i);
		if (kind == TUNNEL_KIND_NONE)
			fields_refuse(f, at, "no tunnel of the kind \"%.32s\"",
				      name ? name : "(not a string)");
		look[kind] = true;
	}
	look[TUNNEL_KIND_NONE] = false;
	memcpy(t->look, look, sizeof look);
}

static void read_ports(struct fields *f, const char *name,
		       struct tunnel_ports *ret)
{
	struct tunnel_ports ports = { 0 };
	const json_t *array;

	if (!field_array(f, name, FIELD_MAY, TUNNEL_PORTS_MAX, &array))
		return;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *v = json_array_get(array, i);
		json_int_t port = json_integer_value(v);
		char at[ERR_AT_MAX];

		(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
		if (port < 1 || port > UINT16_MAX)
			fields_refuse(f, at, "expected an integer in 1..65535");
		ports.port[ports.n++] = (uint16_t)port;
	}
	*ret = ports;
}

static void read_tunnels(struct fields *f, struct inspect_settings *s,
			 unsigned i)
{
	read_look(f, &s->tunnels);
	read_ports(f, "vxlan_ports", &s->tunnels.vxlan);
	read_ports(f, "geneve_ports", &s->tunnels.geneve);
}

static json_t *ports_json(const struct tunnel_ports *ports)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ports->n; i++)
		(void)json_array_append_new(list, json_integer(ports->port[i]));
	return list;
}

static void show_tunnels(json_t *o, const struct inspect_settings *s)
{
	json_t *look = json_array();

	for (int k = TUNNEL_KIND_NONE + 1; k < TUNNEL_KIND__MAX; k++)
		if (s->tunnels.look[k])
			(void)json_array_append_new(
				look, json_string(tunnel_kind_name(
					      (enum tunnel_kind)k)));
	set(o, "look", look);
	set(o, "vxlan_ports", ports_json(&s->tunnels.vxlan));
	set(o, "geneve_ports", ports_json(&s->tunnels.geneve));
}

/* --- verdict cache ------------------------------------------------------- */

static void read_cache(struct fields *f, struct inspect_settings *s, unsigned i)
{
	field_bool(f, "on", FIELD_MAY, &s->cache.on);
	field_u32(f, "frames", FIELD_MAY, 1, UINT32_MAX, &s->cache.frames);
	field_u32(f, "depth", FIELD_MAY, 0, UINT32_MAX, &s->cache.depth);
}

static void show_cache(json_t *o, const struct inspect_settings *s)
{
	set(o, "on", json_boolean(s->cache.on));
	set(o, "frames", json_integer(s->cache.frames));
	set(o, "depth", json_integer(s->cache.depth));
}

/* --- applications --------------------------------------------------------- */

static void read_applications(struct fields *f, struct inspect_settings *s,
			      unsigned i)
{
	struct look_settings *a = &s->applications;

	field_bool(f, "on", FIELD_MAY, &a->on);
	field_bool(f, "all", FIELD_MAY, &a->all);
	field_bool(f, "breadth", FIELD_MAY, &a->breadth);
	field_u32(f, "packets", FIELD_MAY, 1, UINT32_MAX, &a->packets);
	field_u32(f, "bytes", FIELD_MAY, 1, UINT32_MAX, &a->bytes);
}

static void show_applications(json_t *o, const struct inspect_settings *s)
{
	const struct look_settings *a = &s->applications;

	set(o, "on", json_boolean(a->on));
	set(o, "all", json_boolean(a->all));
	set(o, "breadth", json_boolean(a->breadth));
	set(o, "packets", json_integer(a->packets));
	set(o, "bytes", json_integer(a->bytes));
}

/* --- all of it ----------------------------------------------------------- */

static const struct {
	const char *name;
	read_fn *read;
	void (*show)(json_t *o, const struct inspect_settings *s);
} sections[] = {
	{ "meters", read_meters, show_meters },
	{ "threats", read_threats, show_threats },
	{ "streams", read_streams, show_streams },
	{ "fragments", read_fragments, show_fragments },
	{ "inspection", read_inspection, show_inspection },
	{ "flows", read_flows, show_flows },
	{ "policy", read_policy, show_policy },
	{ "tunnels", read_tunnels, show_tunnels },
	{ "cache", read_cache, show_cache },
	{ "applications", read_applications, show_applications },
};
#define N_SECTIONS (sizeof sections / sizeof *sections)
/* Objects below a section: a meter, a threat, "on". */
#define SECTION_DEPTH 2

/* null at any depth becomes what the defaults say there. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void fill_defaults(json_t *o, const json_t *defaults, unsigned depth)
{
	const char *name;
	json_t *v, *by_default;

	json_object_foreach (o, name, v) {
		by_default = json_object_get(defaults, name);
		if (json_is_null(v) && by_default)
			(void)json_object_set(o, name, by_default);
		else if (depth > 0 && by_default)
			fill_defaults(v, by_default, depth - 1);
	}
}

/* A copy of the body in which nothing that has a default is null. */
static json_t *with_defaults(const json_t *body)
{
	struct inspect_settings s = inspect_settings_default();
	json_t *defaults = settings_json(&s), *copy = json_deep_copy(body);

	fill_defaults(copy, defaults, SECTION_DEPTH);
	json_decref(defaults);
	return copy;
}

static int read_sections(const json_t *body,
			 const struct inspect_settings *before,
			 struct inspect_settings *ret, struct err *reterr)
{
	struct fields f = fields_open(body, true, reterr);
	struct inspect_settings s = *before;
	int rc;

	for (size_t i = 0; i < N_SECTIONS; i++)
		read_within(&f, sections[i].name, sections[i].read, &s, 0);
	rc = fields_close(&f);
	if (rc == 0)
		*ret = s;
	return rc;
}

int settings_read(const json_t *body, const struct inspect_settings *before,
		  struct inspect_settings *ret, struct err *reterr)
{
	json_t *copy = with_defaults(body);
	int rc = copy ? read_sections(copy, before, ret, reterr)
		      : err_set(reterr, ENOMEM, NULL, "out of memory");

	json_decref(copy);
	return rc;
}

json_t *settings_json(const struct inspect_settings *s)
{
	json_t *all = json_object();

	for (size_t i = 0; i < N_SECTIONS; i++) {
		json_t *o = json_object();

		sections[i].show(o, s);
		set(all, sections[i].name, o);
	}
	return all;
}

/* Takes the members of `a` out that are the same in `b`, and empty ones. */
static void take_same(json_t *a, const json_t *b)
{
	const char *name;
	json_t *v;
	void *next;

	json_object_foreach_safe (a, next, name, v) {
		bool empty = json_is_object(v) && json_object_size(v) == 0;

		if (empty || json_equal(v, json_object_get(b, name)))
			(void)json_object_del(a, name);
	}
}

/* The same of a section, whose members may be objects. */
static void take_same_within(json_t *a, const json_t *b)
{
	const char *name;
	json_t *v;

	json_object_foreach (a, name, v)
		if (json_is_object(v))
			take_same(v, json_object_get(b, name));
	take_same(a, b);
}

json_t *settings_changed_json(const struct inspect_settings *s)
{
	struct inspect_settings defaults = inspect_settings_default();
	json_t *changed = settings_json(s), *before = settings_json(&defaults);

	for (size_t i = 0; i < N_SECTIONS; i++)
		take_same_within(json_object_get(changed, sections[i].name),
				 json_object_get(before, sections[i].name));
	take_same(changed, before);
	json_decref(before);
	return changed;
}

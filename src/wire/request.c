#include "wire/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	bool cased;
} known[] = {
#define X(id, text, has_case) { text, has_case },
	REQUEST_FIELDS(X)
#undef X
};
_Static_assert(sizeof known / sizeof *known == REQUEST__MAX, "one each");

const struct request request_none;

enum request_field request_field_by_name(const char *name)
{
	unsigned i = 0;

	while (i < REQUEST__MAX && strcmp(known[i].name, name) != 0)
		i++;
	return (enum request_field)i;
}

/* --- matching --------------------------------------------------------- */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool same(uint8_t a, uint8_t b, bool cased)
{
	return cased ? a == b : lower(a) == lower(b);
}

/*
 * After a mismatch only the last '*' takes one byte more: what an earlier one
 * could take instead, the last one can take as well. So it is O(pattern * b).
 */
bool request_pattern_matches(const char *pattern, struct bytes b, bool cased)
{
	const uint8_t *p = (const uint8_t *)pattern, *star = NULL;
	const uint8_t *at = b.begin, *star_at = NULL;

	while (at < b.end) {
		if (*p == '*') {
			star = ++p;
			star_at = at;
		} else if (*p && same(*p, *at, cased)) {
			p++;
			at++;
		} else if (star) {
			p = star;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

static bool term_matches(const struct request_term *t, const struct request *r,
			 bool may)
{
	struct bytes value = r->value[t->field];

	if (r->unseen >> t->field & 1)
		return !may;
	if (!value.begin)
		return false;
	for (size_t i = 0; i < t->n_patterns; i++)
		if (request_pattern_matches(t->patterns[i], value,
					    known[t->field].cased))
			return true;
	return false;
}

/* --- what opens and keeps a conversation -------------------------------- */

#define BIT(field) (1u << REQUEST_##field)
_Static_assert(REQUEST__MAX <= 32, "a bit each");

static bool is_absent(const struct request *r, enum request_field f)
{
	return !r->value[f].begin && !(r->unseen >> f & 1);
}

static bool is_one_of(struct bytes value, const char *const *words)
{
	for (; value.begin && *words; words++)
		if (request_pattern_matches(*words, value, false))
			return true;
	return false;
}

/*
 * Fields that it does not say since it asks for nothing yet, or for what was asked
 * for before (a fetch of Kafka without topics); bits.
 */
static uint32_t not_yet_said(const struct request *r)
{
	static const char *const kafka[] = { "apiVersions",
					     "saslHandshake",
					     "saslAuthenticate",
					     "metadata",
					     "describeCluster",
					     "findCoordinator",
					     "joinGroup",
					     "syncGroup",
					     "heartbeat",
					     "leaveGroup",
					     "consumerGroupHeartbeat",
					     "fetch",
					     "initProducerId",
					     "addOffsetsToTxn",
					     "endTxn",
					     "getTelemetrySubscriptions",
					     "pushTelemetry",
					     NULL };
	static const char *const mqtt[] = { "connect", "auth", "disconnect",
					    NULL };
	static const char *const mongodb[] = { "hello",	      "isMaster",
					       "ping",	      "buildInfo",
					       "saslStart",   "saslContinue",
					       "endSessions", "logout",
					       NULL };
	const struct bytes *v = r->value;

	if (v[REQUEST_SQL_USER].begin && is_absent(r, REQUEST_SQL_VERB))
		return BIT(SQL_VERB) |
		       (is_absent(r, REQUEST_SQL_DATABASE) ? BIT(SQL_DATABASE)
							   : 0);
	if (is_absent(r, REQUEST_KAFKA_TOPIC) &&
	    is_one_of(v[REQUEST_KAFKA_API], kafka))
		return BIT(KAFKA_API) | BIT(KAFKA_TOPIC);
	if (is_absent(r, REQUEST_MQTT_TOPIC) &&
	    is_one_of(v[REQUEST_MQTT_TYPE], mqtt))
		return BIT(MQTT_TYPE) | BIT(MQTT_TOPIC);
	if (is_absent(r, REQUEST_MONGO_COLLECTION) &&
	    is_one_of(v[REQUEST_MONGO_COMMAND], mongodb))
		return BIT(MONGO_COMMAND) | BIT(MONGO_DATABASE) |
		       BIT(MONGO_COLLECTION);
	return 0;
}

bool request_matches(const struct request_spec *s, const struct request *r,
		     bool may)
{
	uint32_t skip = may ? not_yet_said(r) : 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct request_alternative *a = &s->alternatives[i];
		size_t k = 0;

		while (k < a->n_terms && (skip >> a->terms[k].field & 1 ||
					  term_matches(&a->terms[k], r, may)))
			k++;
		if (k == a->n_terms)
			return true;
	}
	return false;
}

/* --- reading ---------------------------------------------------------- */

static void add_pattern(struct fields *f, const char *at, const json_t *v,
			struct request_term *t)
{
	const char *text = json_string_value(v);
	size_t len = json_string_length(v);

	if (!text || len == 0 || len > REQUEST_PATTERN_MAX ||
	    strlen(text) != len) {
		fields_refuse(f, at,
			      "expected a text of 1..%d bytes, '*' for any",
			      REQUEST_PATTERN_MAX);
		return;
	}
	t->patterns[t->n_patterns] = strdup(text);
	if (t->patterns[t->n_patterns])
		t->n_patterns++;
	else
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
}

static void parse_term(struct fields *f, const char *at, const json_t *v,
		       struct request_term *t)
{
	bool list = json_is_array(v);
	size_t n = list ? json_array_size(v) : 1;

	if (n < 1 || n > REQUEST_PATTERNS_MAX) {
		fields_refuse(f, at, "expected 1..%d patterns",
			      REQUEST_PATTERNS_MAX);
		return;
	}
	t->patterns = calloc(n, sizeof *t->patterns);
	if (!t->patterns) {
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
		return;
	}
	for (size_t i = 0; i < n && !f->rc; i++)
		add_pattern(f, at, list ? json_array_get(v, i) : v, t);
}

static void parse_alternative(struct fields *f, const char *name, size_t index,
			      const json_t *v, struct request_alternative *a)
{
	char at[ERR_AT_MAX];
	const char *key;
	json_t *value;

	(void)snprintf(at, sizeof at, "%s[%zu]", name, index);
	if (!json_is_object(v) || json_object_size(v) == 0) {
		fields_refuse(f, at,
			      "expected an object like {\"http.method\": "
			      "\"GET\"}, got %s",
			      json_is_object(v) ? "an empty one"
						: json_type_name(v));
		return;
	}
	a->terms = calloc(json_object_size(v), sizeof *a->terms);
	if (!a->terms) {
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)v, key, value) {
		enum request_field field = request_field_by_name(key);

		(void)snprintf(at, sizeof at, "%s[%zu].%.40s", name, index,
			       key);
		if (f->rc)
			return;
		if (field == REQUEST__MAX) {
			fields_refuse(f, at,
				      "expected a field such as http.method, "
				      "http.path, grpc.service, sql.verb");
			return;
		}
		a->terms[a->n_terms].field = (uint8_t)field;
		parse_term(f, at, value, &a->terms[a->n_terms++]);
	}
}

bool field_requests(struct fields *f, const char *name, enum field_need need,
		    struct request_spec **ret)
{
	const json_t *list = NULL;
	struct request_spec *s;
	size_t n;

	if (!field_array(f, name, need, REQUEST_ALTERNATIVES_MAX, &list))
		return false;
	n = json_array_size(list);
	if (n == 0) {
		fields_refuse(f, name, "expected at least one");
		return false;
	}
	s = calloc(1, sizeof *s);
	if (s)
		s->alternatives = calloc(n, sizeof *s->alternatives);
	if (!s || !s->alternatives) {
		free(s);
		f->rc = err_set(f->reterr, ENOMEM, name, "out of memory");
		return false;
	}
	*ret = s;
	for (size_t i = 0; i < n && !f->rc; i++)
		parse_alternative(f, name, i, json_array_get(list, i),
				  &s->alternatives[s->n++]);
	return !f->rc;
}

void request_spec_free(struct request_spec *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct request_alternative *a = &s->alternatives[i];

		for (size_t k = 0; k < a->n_terms; k++) {
			struct request_term *t = &a->terms[k];

			for (size_t p = 0; p < t->n_patterns; p++)
				free(t->patterns[p]);
			free(t->patterns);
		}
		free(a->terms);
	}
	free(s->alternatives);
	free(s);
}

static json_t *term_json(const struct request_term *t)
{
	json_t *list;

	if (t->n_patterns == 1)
		return json_string(t->patterns[0]);
	list = json_array();
	for (size_t p = 0; p < t->n_patterns; p++)
		if (json_array_append_new(list, json_string(t->patterns[p])) <
		    0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *request_spec_json(const struct request_spec *s)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (size_t i = 0; i < s->n && ok; i++) {
		const struct request_alternative *a = &s->alternatives[i];
		json_t *o = json_object();

		for (size_t k = 0; k < a->n_terms && ok; k++)
			ok = json_object_set_new(o,
						 known[a->terms[k].field].name,
						 term_json(&a->terms[k])) == 0;
		/* takes o */
		ok &= json_array_append_new(list, o) == 0;
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

bool field_request(struct fields *f, const char *name, enum field_need need,
		   struct request *ret)
{
	const json_t *o = NULL;
	char at[ERR_AT_MAX];
	const char *key;
	json_t *v;

	if (!field_object(f, name, need, &o))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		enum request_field field = request_field_by_name(key);

		(void)snprintf(at, sizeof at, "%s.%.40s", name, key);
		if (field == REQUEST__MAX)
			fields_refuse(f, at,
				      "expected a field such as http.method, "
				      "http.path, grpc.service, sql.verb");
		else if (!json_is_string(v))
			fields_refuse(f, at, "expected a string, got %s",
				      json_type_name(v));
		else
			ret->value[field] = bytes_of(json_string_value(v),
						     json_string_length(v));
	}
	return !f->rc;
}

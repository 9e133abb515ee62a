/*
 * The one parser of sensors: YAML comes here as JSON, too, and the ready ones
 * are written as anybody's are. NeuVector's patterns have a form of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "detect/sensor_list.h"
#include "wire/field.h"
#include "wire/words.h"

static const char all_flags[] = "imsxAEG";

static void no_memory(struct fields *f, const char *at)
{
	if (!f->rc)
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
}

static const char *copy(struct sensor_list *l, struct fields *f, const char *at,
			const char *text)
{
	char *copied = arena_text(&l->arena, text, strlen(text));

	if (!copied)
		no_memory(f, at);
	return copied;
}

static void add_secret(struct fields *f, const json_t *v,
		       struct sensor_pattern *p)
{
	const char *name = json_string_value(v);
	const struct secret_kind *k = name ? secret_kind_find(name) : NULL;

	if (!k) {
		fields_refuse(
			f, "secret",
			"expected a kind of secret, such as \"card_number\", "
			"got %s%.60s",
			name ? "" : json_type_name(v), name ? name : "");
		return;
	}
	for (unsigned i = 0; i < p->n_secrets; i++)
		if (p->secrets[i] == k) {
			fields_refuse(f, "secret", "%s is there twice", name);
			return;
		}
	p->secrets[p->n_secrets++] = k;
}

static void parse_secrets(struct fields *f, struct sensor_pattern *p)
{
	const json_t *v = json_object_get(f->obj, "secret");
	const json_t *list = NULL;

	if (!json_is_array(v)) {
		const char *name = NULL;

		if (field_str(f, "secret", FIELD_MAY, SENSOR_NAME_MAX, &name))
			add_secret(f, v, p);
		return;
	}
	if (!field_array(f, "secret", FIELD_MAY, SENSOR_SECRETS_MAX, &list))
		return;
	if (json_array_size(list) == 0)
		fields_refuse(f, "secret", "expected at least one kind");
	for (size_t i = 0; i < json_array_size(list) && !f->rc; i++)
		add_secret(f, json_array_get(list, i), p);
}

static bool flags_are_good(const char *flags)
{
	for (const char *c = flags; *c; c++)
		if (!strchr(all_flags, *c) || strchr(c + 1, *c))
			return false;
	return true;
}

static void parse_regex(struct sensor_list *l, struct fields *f,
			struct sensor_pattern *p)
{
	const char *text = NULL, *flags = "";

	if (field_str(f, "regex", FIELD_MAY, SENSOR_REGEX_MAX, &text)) {
		if (text[0] == '\0')
			fields_refuse(f, "regex", "expected an expression");
		p->regex = copy(l, f, "regex", text);
	}
	if (field_str(f, "flags", FIELD_MAY, sizeof all_flags, &flags)) {
		if (!flags_are_good(flags))
			fields_refuse(f, "flags",
				      "expected letters of \"%s\", each once",
				      all_flags);
		else if (!text)
			fields_refuse(f, "flags",
				      "they are of expressions only");
	}
	p->flags = copy(l, f, "flags", flags);
	if (!f->rc && !text == (p->n_secrets == 0))
		fields_refuse(f, "regex",
			      "expected either \"secret\" or \"regex\"");
}

static void parse_where(struct fields *f, struct sensor_pattern *p)
{
	const char *name = NULL;
	unsigned w = 0;

	if (!field_str(f, "where", FIELD_MAY, 16, &name))
		return;
	while (w < SENSOR_WHERE__MAX &&
	       strcmp(sensor_where_name((enum sensor_where)w), name) != 0)
		w++;
	if (w == SENSOR_WHERE__MAX)
		fields_refuse(f, "where",
			      "expected any, url, header, body, sql or packet, "
			      "got %.60s",
			      name);
	p->where = (uint8_t)w;
}

static void parse_pattern(struct sensor_list *l, struct fields *outer,
			  const json_t *v, size_t i, struct sensor_pattern *p)
{
	struct fields f = fields_open(v, true, outer->reterr);
	char at[32];

	*p = (struct sensor_pattern){ .count = 1 };
	if (!f.rc)
		parse_secrets(&f, p);
	parse_regex(l, &f, p);
	parse_where(&f, p);
	field_u8(&f, "count", FIELD_MAY, 1, SENSOR_COUNT_MAX, &p->count);
	field_bool(&f, "not", FIELD_MAY, &p->negated);
	field_bool(&f, "or_sent", FIELD_MAY, &p->or_sent);
	if (p->or_sent && (p->where < SENSOR_URL || p->where > SENSOR_BODY))
		fields_refuse(&f, "or_sent", "it is of url, header and body");
	outer->rc = fields_close(&f);
	(void)snprintf(at, sizeof at, "patterns[%zu]", i);
	if (outer->rc)
		err_prefix(outer->reterr, at);
}

static void parse_patterns(struct sensor_list *l, struct fields *f,
			   struct sensor *s)
{
	struct sensor_pattern *p;
	const json_t *list = NULL;
	size_t n;

	if (!field_array(f, "patterns", FIELD_MUST, SENSOR_PATTERNS_MAX, &list))
		return;
	n = json_array_size(list);
	if (n == 0) {
		fields_refuse(f, "patterns", "expected at least one");
		return;
	}
	p = arena_alloc(&l->arena, n * sizeof *p);
	if (!p) {
		no_memory(f, "patterns");
		return;
	}
	s->patterns = p;
	s->n_patterns = (uint8_t)n;
	for (size_t i = 0; i < n && !f->rc; i++)
		parse_pattern(l, f, json_array_get(list, i), i, &p[i]);
}

static int parse_sensor(struct sensor_list *l, const json_t *v,
			struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const char *name = NULL, *kind = "dlp";
	struct sensor s = { 0 };

	field_u32(&f, "id", FIELD_MUST, DLP_ID_MIN, DLP_ID_MAX, &s.id);
	if (field_str(&f, "name", FIELD_MUST, SENSOR_NAME_MAX, &name)) {
		if (name[0] == '\0')
			fields_refuse(&f, "name", "expected a name");
		s.name = copy(l, &f, "name", name);
	}
	if (field_str(&f, "kind", FIELD_MAY, 16, &kind) &&
	    strcmp(kind, "dlp") != 0 && strcmp(kind, "waf") != 0)
		fields_refuse(&f, "kind", "expected dlp or waf");
	s.kind = strcmp(kind, "waf") == 0 ? SENSOR_WAF : SENSOR_DLP;
	if (!f.rc && (s.kind == SENSOR_WAF) != (s.id >= DLP_ID_WAF))
		fields_refuse(&f, "id", "ids of dlp are %d..%d, of waf %d..%d",
			      DLP_ID_MIN, DLP_ID_WAF - 1, DLP_ID_WAF,
			      DLP_ID_MAX);
	if (!f.rc)
		parse_patterns(l, &f, &s);
	if (!f.rc)
		l->sensors[l->n++] = s;
	return fields_close(&f);
}

int sensor_list_parse(const json_t *v, struct sensor_list **ret,
		      struct err *reterr)
{
	size_t n = json_array_size(v);
	struct err err = { 0 };
	struct sensor_list *l;
	int rc = 0;

	if (!json_is_array(v))
		return err_set(reterr, EINVAL, NULL,
			       "expected a list of sensors, got %s",
			       json_type_name(v));
	if (n > SENSORS_MAX)
		return err_set(reterr, E2BIG, NULL, "more than %d sensors",
			       SENSORS_MAX);
	l = sensor_list_new(n);
	if (!l)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < n && rc == 0; i++) {
		char at[32];

		rc = parse_sensor(l, json_array_get(v, i), &err);
		(void)snprintf(at, sizeof at, "[%zu]", i);
		if (rc < 0)
			err_prefix(&err, at);
	}
	if (rc == 0)
		rc = sensor_list_finish(l, true, &err);
	if (rc == 0) {
		*ret = l;
		return 0;
	}
	sensor_list_free(l);
	if (reterr)
		*reterr = err;
	return rc;
}

/* --- the ready ones --------------------------------------------------- */

static const char ready[] =
	"[{\"id\":30001,\"name\":\"cards\",\"patterns\":["
	"{\"secret\":\"card_number\"}]},"
	"{\"id\":30002,\"name\":\"bank_accounts\",\"patterns\":["
	"{\"secret\":\"iban\"}]},"
	/*
	 * Those whose form alone says much. A BSN, a PESEL or a German tax number
	 * is any number with the right check digit: whoever looks for them writes
	 * a sensor with a word beside it.
	 */
	"{\"id\":30003,\"name\":\"national_ids\",\"patterns\":[{\"secret\":["
	"\"us_ssn\",\"uk_nino\",\"es_dni\",\"fr_nir\",\"it_fiscal_code\"]}]},"
	"{\"id\":30004,\"name\":\"keys\",\"patterns\":[{\"secret\":["
	"\"aws_access_key\",\"aws_secret_key\",\"github_token\","
	"\"gitlab_token\",\"slack_token\",\"google_api_key\",\"jwt\","
	"\"private_key\"]}]}]";

struct sensor_list *sensor_list_ready(void)
{
	json_t *v = json_loads(ready, 0, NULL);
	struct sensor_list *l = NULL;
	struct err err = { 0 };
	int rc;

	if (!v)
		return NULL;
	rc = sensor_list_parse(v, &l, &err);
	BUG_ON(rc < 0 && rc != -ENOMEM);
	json_decref(v);
	return l;
}

/* --- NeuVector's ------------------------------------------------------ */

static const uint8_t where_of[] = {
	[DLP_CONTEXT_PACKET] = SENSOR_PACKET, [DLP_CONTEXT_URL] = SENSOR_URL,
	[DLP_CONTEXT_HEADER] = SENSOR_HEADER, [DLP_CONTEXT_BODY] = SENSOR_BODY,
	[DLP_CONTEXT_SQL_QUERY] = SENSOR_SQL,
};
_Static_assert(sizeof where_of == DLP_CONTEXT__MAX, "one each");

/* Flags may come twice there. */
static void flags_of(const struct dlp_pattern *p, char to[sizeof all_flags])
{
	size_t n = 0;

	for (const char *c = all_flags; *c; c++)
		if (memchr(p->flags, *c, p->flags_len))
			to[n++] = *c;
	to[n] = '\0';
}

static int add_dlp(struct sensor_list *l, const struct dlp_rule *r,
		   struct err *reterr)
{
	struct sensor *s = &l->sensors[l->n];
	struct sensor_pattern *to =
		arena_alloc(&l->arena, r->n_patterns * sizeof *to + 1);

	*s = (struct sensor){
		.id = r->id,
		.name = arena_text(&l->arena, r->name, strlen(r->name)),
		.patterns = to,
		.n_patterns = (uint8_t)r->n_patterns,
		.kind = r->id >= DLP_ID_WAF ? SENSOR_WAF : SENSOR_DLP,
	};
	if (r->n_patterns == 0 || r->n_patterns > SENSOR_PATTERNS_MAX)
		return err_set(reterr, EINVAL, r->name,
			       "expected 1..%d patterns", SENSOR_PATTERNS_MAX);
	if (!to || !s->name)
		return err_set(reterr, ENOMEM, r->name, "out of memory");
	for (size_t i = 0; i < r->n_patterns; i++) {
		struct dlp_pattern p = { 0 };
		char flags[sizeof all_flags];

		if (!dlp_pattern_parse(r->patterns[i], &p))
			return err_set(reterr, EINVAL, r->name,
				       "pattern %zu is none", i);
		flags_of(&p, flags);
		to[i] = (struct sensor_pattern){
			.regex = arena_text(&l->arena, p.regex, p.regex_len),
			.flags = arena_text(&l->arena, flags, strlen(flags)),
			.where = where_of[p.context],
			.count = 1,
			.negated = p.negated,
			.or_sent = p.context == DLP_CONTEXT_URL ||
				   p.context == DLP_CONTEXT_HEADER ||
				   p.context == DLP_CONTEXT_BODY,
		};
		if (!to[i].regex || !to[i].flags)
			return err_set(reterr, ENOMEM, r->name,
				       "out of memory");
	}
	l->n++;
	return 0;
}

int sensor_list_of_dlp(const struct dlp_rule *rules, size_t n,
		       struct sensor_list **ret, struct err *reterr)
{
	struct sensor_list *l;
	int rc = 0;

	if (n > SENSORS_MAX)
		return err_set(reterr, E2BIG, NULL, "more than %d sensors",
			       SENSORS_MAX);
	l = sensor_list_new(n);
	if (!l)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_dlp(l, &rules[i], reterr);
	if (rc == 0)
		rc = sensor_list_finish(l, false, reterr);
	if (rc == 0)
		*ret = l;
	else
		sensor_list_free(l);
	return rc;
}

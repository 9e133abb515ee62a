/*
 * DLP/WAF messages, and the form of a pattern.
 *
 * A pattern's regex may contain its own delimiter and `;`, so where it ends is
 * found from behind: the last delimiter after which there are only flags and
 * at most one "; context WHERE".
 */
#include "wire/ctrl_dlp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/field.h"

static const char *const context_names[] = {
	"packet", "url", "header", "body", "sql_query",
};
_Static_assert(sizeof context_names / sizeof *context_names == DLP_CONTEXT__MAX,
	       "one name each");

const char *dlp_context_name(enum dlp_context c)
{
	return context_names[c];
}

static const char *skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

static bool is_only(const char *s, char c)
{
	s = skip_blanks(s);
	if (*s == c)
		s = skip_blanks(s + 1);
	return *s == '\0';
}

/* What may follow the flags: nothing, or "; context WHERE", or a last ";". */
static bool parse_tail(const char *s, enum dlp_context *ret)
{
	static const char word[] = "context";

	*ret = DLP_CONTEXT_PACKET;
	if (is_only(s, ';'))
		return true;
	s = skip_blanks(s);
	if (*s++ != ';')
		return false;
	s = skip_blanks(s);
	if (strncmp(s, word, sizeof word - 1) != 0)
		return false;
	s += sizeof word - 1;
	if (*s != ' ' && *s != '\t')
		return false;
	s = skip_blanks(s);
	for (int i = 0; i < DLP_CONTEXT__MAX; i++) {
		size_t len = strlen(context_names[i]);

		if (strncmp(s, context_names[i], len) == 0 &&
		    is_only(s + len, ';')) {
			*ret = (enum dlp_context)i;
			return true;
		}
	}
	return false;
}

bool dlp_pattern_parse(const char *text, struct dlp_pattern *ret)
{
	struct dlp_pattern p = { 0 };
	const char *s = skip_blanks(text);
	char delimiter;

	p.negated = *s == '!';
	s = skip_blanks(s + p.negated);
	if (*s == 'm')
		s++;
	else if (*s != '/')
		return false;
	delimiter = *s;
	if (delimiter == '\0' || delimiter == ' ')
		return false;
	p.regex = s + 1;
	for (const char *e = text + strlen(text); e > p.regex; e--) {
		if (e[-1] != delimiter)
			continue;
		p.regex_len = (size_t)(e - 1 - p.regex);
		p.flags = e;
		p.flags_len = strspn(e, "imsxAEG");
		if (p.regex_len && parse_tail(e + p.flags_len, &p.context)) {
			*ret = p;
			return true;
		}
	}
	return false;
}

/* n zeroed elements of that size; NULL and the sticky error without memory. */
static void *new_list(struct fields *f, const char *name, size_t n, size_t size)
{
	void *list = calloc(n, size);

	if (!list)
		f->rc = err_set(f->reterr, ENOMEM, name, "out of memory");
	return list;
}

static void parse_uses(struct fields *f, const char *name, uint32_t min,
		       uint32_t max, struct dlp_use **ret, size_t *ret_n)
{
	const json_t *array = NULL;
	size_t n;

	if (!field_array(f, name, FIELD_MAY, DLP_RULES_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0)
		return;
	*ret = new_list(f, name, n, sizeof **ret);
	if (!*ret)
		return;
	*ret_n = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		struct dlp_use *u = &(*ret)[i];
		struct fields p = fields_open(json_array_get(array, i),
					      f->strict, f->reterr);
		char at[ERR_AT_MAX];

		field_u32(&p, "id", FIELD_MUST, min, max, &u->id);
		field_u8(&p, "action", FIELD_MUST, DLP_ACTION_ALLOW,
			 DLP_ACTION_DROP, &u->action);
		f->rc = fields_close(&p);
		(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
}

static void parse_ids(struct fields *f, const char *name, uint32_t **ret,
		      size_t *ret_n)
{
	const json_t *array = NULL;
	size_t n;

	if (!field_array(f, name, FIELD_MAY, POLICY_RULES_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0)
		return;
	*ret = new_list(f, name, n, sizeof **ret);
	if (!*ret)
		return;
	*ret_n = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		const json_t *v = json_array_get(array, i);
		json_int_t id = json_integer_value(v);
		char at[ERR_AT_MAX];

		(*ret)[i] = (uint32_t)id;
		if (json_is_integer(v) && id >= 0 && id <= UINT32_MAX)
			continue;
		(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
		fields_refuse(f, at, "expected a rule's id");
	}
}

/* "inside", "outside" with that prefix, or "" for outside (2.5). */
static void parse_ruletype(struct fields *f, const char *name,
			   const char *prefix, bool *ret_inside)
{
	size_t skip = strlen(prefix);
	const char *text;

	if (!field_str(f, name, FIELD_MUST, 64, &text) || text[0] == '\0')
		return;
	*ret_inside = strncmp(text, prefix, skip) == 0 &&
		      strcmp(text + skip, "inside") == 0;
	if (!*ret_inside && (strncmp(text, prefix, skip) != 0 ||
			     strcmp(text + skip, "outside") != 0))
		fields_refuse(f, name,
			      "expected \"%sinside\", \"%soutside\" or \"\"",
			      prefix, prefix);
}

int ctrl_parse_cfg_dlp(const json_t *body, bool strict, struct ctrl_msg *m,
		       struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_u32(&f, "flag", FIELD_MUST, 0, 3, &m->cfg_dlp.flag);
	field_macs(&f, "mac", FIELD_MUST, MSG_MACS_MAX, &m->cfg_dlp.macs,
		   &m->cfg_dlp.n_macs);
	parse_uses(&f, "dlp_rule_names", DLP_ID_MIN, DLP_ID_WAF - 1,
		   &m->cfg_dlp.dlp, &m->cfg_dlp.n_dlp);
	parse_uses(&f, "waf_rule_names", DLP_ID_WAF, DLP_ID_MAX,
		   &m->cfg_dlp.waf, &m->cfg_dlp.n_waf);
	parse_ids(&f, "rule_ids", &m->cfg_dlp.rule_ids, &m->cfg_dlp.n_rule_ids);
	parse_ids(&f, "waf_rule_ids", &m->cfg_dlp.waf_rule_ids,
		  &m->cfg_dlp.n_waf_rule_ids);
	parse_ruletype(&f, "ruletype", "", &m->cfg_dlp.inside);
	parse_ruletype(&f, "wafruletype", "waf", &m->cfg_dlp.waf_inside);
	return fields_close(&f);
}

int ctrl_parse_cfg_dlpmac(const json_t *body, bool strict, struct ctrl_msg *m,
			  struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_macs(&f, "delmac", FIELD_MAY, MSG_MACS_MAX, &m->macs.macs,
		   &m->macs.n);
	return fields_close(&f);
}

static void parse_name(struct fields *f, struct dlp_rule *r)
{
	const char *name;

	if (!field_str(f, "name", FIELD_MUST, DLP_NAME_MAX - 1, &name))
		return;
	if (name[strcspn(name, "<>()#\"'")] != '\0') {
		fields_refuse(f, "name", "contains one of <>()#\"'");
		return;
	}
	r->name = strdup(name);
	if (!r->name)
		f->rc = err_set(f->reterr, ENOMEM, "name", "out of memory");
}

static void parse_patterns(struct fields *f, struct dlp_rule *r)
{
	const json_t *array = NULL;
	struct dlp_pattern ignored;
	size_t n;

	if (!field_array(f, "patterns", FIELD_MUST, DLP_PATTERNS_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0) {
		fields_refuse(f, "patterns", "expected at least one");
		return;
	}
	r->patterns = new_list(f, "patterns", n, sizeof *r->patterns);
	if (!r->patterns)
		return;
	r->n_patterns = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		const json_t *v = json_array_get(array, i);
		const char *text = json_string_value(v);
		char at[ERR_AT_MAX];

		(void)snprintf(at, sizeof at, "patterns[%zu]", i);
		if (!text || json_string_length(v) >= DLP_PATTERN_MAX ||
		    !dlp_pattern_parse(text, &ignored)) {
			fields_refuse(f, at,
				      "expected [!]/regex/flags; context "
				      "WHERE, shorter than %d bytes",
				      DLP_PATTERN_MAX);
			return;
		}
		r->patterns[i] = strdup(text);
		if (!r->patterns[i])
			f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
	}
}

static void parse_dlp_rules(struct fields *f, struct ctrl_msg *m)
{
	const json_t *array = NULL;
	size_t n;

	if (!field_array(f, "dlp_rules", FIELD_MAY, DLP_RULES_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0)
		return;
	m->bld_dlp.rules = new_list(f, "dlp_rules", n, sizeof(struct dlp_rule));
	if (!m->bld_dlp.rules)
		return;
	m->bld_dlp.n_rules = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		struct dlp_rule *r = &m->bld_dlp.rules[i];
		struct fields p = fields_open(json_array_get(array, i),
					      f->strict, f->reterr);
		char at[ERR_AT_MAX];

		parse_name(&p, r);
		field_u32(&p, "id", FIELD_MUST, DLP_ID_MIN, DLP_ID_MAX, &r->id);
		parse_patterns(&p, r);
		f->rc = fields_close(&p);
		(void)snprintf(at, sizeof at, "dlp_rules[%zu]", i);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
}

int ctrl_parse_bld_dlp(const json_t *body, bool strict, struct ctrl_msg *m,
		       struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_u32(&f, "flag", FIELD_MUST, 0, 3, &m->bld_dlp.flag);
	field_u8(&f, "dir", FIELD_MUST, 0,
		 POLICY_DIR_EGRESS | POLICY_DIR_INGRESS, &m->bld_dlp.dir);
	field_macs(&f, "mac", FIELD_MAY, MSG_MACS_MAX, &m->bld_dlp.macs,
		   &m->bld_dlp.n_macs);
	field_macs(&f, "delmac", FIELD_MAY, MSG_MACS_MAX, &m->bld_dlp.delmacs,
		   &m->bld_dlp.n_delmacs);
	parse_dlp_rules(&f, m);
	return fields_close(&f);
}

int ctrl_parse_bld_dlpmac(const json_t *body, bool strict, struct ctrl_msg *m,
			  struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_macs(&f, "oldmac", FIELD_MUST, MSG_MACS_MAX,
		   &m->bld_dlpmac.oldmacs, &m->bld_dlpmac.n_oldmacs);
	field_macs(&f, "addmac", FIELD_MAY, MSG_MACS_MAX,
		   &m->bld_dlpmac.addmacs, &m->bld_dlpmac.n_addmacs);
	field_macs(&f, "delmac", FIELD_MAY, MSG_MACS_MAX,
		   &m->bld_dlpmac.delmacs, &m->bld_dlpmac.n_delmacs);
	return fields_close(&f);
}

void dlp_rule_done(struct dlp_rule *r)
{
	for (size_t i = 0; i < r->n_patterns; i++)
		free(r->patterns[i]);
	free(r->patterns);
	free(r->name);
}

void ctrl_dlp_done(struct ctrl_msg *m)
{
	switch (m->kind) {
	case CTRL_CFG_DLP:
		free(m->cfg_dlp.macs);
		free(m->cfg_dlp.dlp);
		free(m->cfg_dlp.waf);
		free(m->cfg_dlp.rule_ids);
		free(m->cfg_dlp.waf_rule_ids);
		break;
	case CTRL_CFG_DLPMAC: free(m->macs.macs); break;
	case CTRL_BLD_DLP:
		for (size_t i = 0; i < m->bld_dlp.n_rules; i++)
			dlp_rule_done(&m->bld_dlp.rules[i]);
		free(m->bld_dlp.rules);
		free(m->bld_dlp.macs);
		free(m->bld_dlp.delmacs);
		break;
	case CTRL_BLD_DLPMAC:
		free(m->bld_dlpmac.oldmacs);
		free(m->bld_dlpmac.addmacs);
		free(m->bld_dlpmac.delmacs);
		break;
	default: break;
	}
}

/*
 * ctrl_cfg_policy, NeuVector's fields and ours beside them:
 *   policy "ipv6"           IPv6 is judged, too. NeuVector's agent never sends
 *                           IPv6 rules and expects IPv6 to stay open, so the
 *                           default is false on its door and true on ours.
 *   policy "defact_reject"  a denial by default is answered (RST, ICMP)
 *   rule   "reject"         a denial by this rule is answered
 *
 * On our own door a rule may also be of our own form, see ctrl_rule.h.
 */
#include "wire/ctrl_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/ctrl_fqdn.h"
#include "wire/ctrl_rule.h"
#include "wire/field.h"

static void parse_rule_apps(struct fields *f, struct rule_spec *r)
{
	const json_t *array = NULL;
	size_t n;

	if (!field_array(f, "apps", FIELD_MAY, RULE_APPS_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0)
		return;
	r->apps = calloc(n, sizeof *r->apps);
	if (!r->apps) {
		f->rc = err_set(f->reterr, ENOMEM, "apps", "out of memory");
		return;
	}
	r->n_apps = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		struct rule_app *a = &r->apps[i];
		struct fields p = fields_open(json_array_get(array, i),
					      f->strict, f->reterr);
		char at[ERR_AT_MAX];

		field_u32(&p, "app", FIELD_MUST, 0, UINT32_MAX, &a->app);
		field_u8(&p, "action", FIELD_MUST, 0, POLICY_ACTION__MAX - 1,
			 &a->action);
		field_u32(&p, "rid", FIELD_MAY, 0, UINT32_MAX, &a->rule_id);
		f->rc = fields_close(&p);
		(void)snprintf(at, sizeof at, "apps[%zu]", i);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
}

static void parse_range(struct fields *f, const char *from, const char *to,
			struct ip_addr *ret_first, struct ip_addr *ret_last)
{
	field_ip(f, from, FIELD_MUST, ret_first);
	*ret_last = *ret_first;
	field_ip(f, to, FIELD_MAY, ret_last);
	if (f->rc)
		return;
	if (ip_is_v4(*ret_first) != ip_is_v4(*ret_last))
		fields_refuse(f, to, "is of another family than %s", from);
	else if (ip_compare(*ret_last, *ret_first) < 0)
		fields_refuse(f, to, "is below %s", from);
}

static void parse_fqdn(struct fields *f, struct rule_spec *r)
{
	const char *name;

	if (!field_str(f, "fqdn", FIELD_MAY, 255, &name) || !name[0])
		return;
	r->fqdn = fqdn_lower_copy(name);
	if (!r->fqdn)
		f->rc = err_set(f->reterr, ENOMEM, "fqdn", "out of memory");
}

static int parse_rule(const json_t *v, bool strict, struct rule_spec *r,
		      struct err *reterr)
{
	struct fields f = fields_open(v, strict, reterr);

	field_u32(&f, "id", FIELD_MUST, 0, UINT32_MAX, &r->id);
	parse_range(&f, "sip", "sipr", &r->sip, &r->sipr);
	parse_range(&f, "dip", "dipr", &r->dip, &r->dipr);
	field_u16(&f, "port", FIELD_MUST, 0, 65535, &r->port);
	field_u16(&f, "portr", FIELD_MUST, 0, 65535, &r->portr);
	field_u8(&f, "proto", FIELD_MUST, 0, 255, &r->proto);
	field_u8(&f, "action", FIELD_MUST, 0, POLICY_ACTION__MAX - 1,
		 &r->action);
	field_bool(&f, "ingress", FIELD_MAY, &r->ingress);
	field_bool(&f, "vhost", FIELD_MAY, &r->vhost);
	field_bool(&f, "reject", FIELD_MAY, &r->reject);
	parse_fqdn(&f, r);
	parse_rule_apps(&f, r);
	if (!f.rc && r->portr < r->port)
		fields_refuse(&f, "portr", "is below port");
	if (!f.rc && ip_is_v4(r->sip) != ip_is_v4(r->dip) &&
	    !ip_is_any(r->sip) && !ip_is_any(r->dip))
		fields_refuse(&f, "dip", "is of another family than sip");
	return fields_close(&f);
}

/* On our own door a rule may be of our own form. */
static int parse_one(const json_t *v, bool strict, struct rule_spec *r,
		     struct err *reterr)
{
	if (strict && ctrl_is_own_rule(v))
		return ctrl_parse_own_rule(v, r, reterr);
	return parse_rule(v, strict, r, reterr);
}

static void parse_rules(struct fields *f, struct ctrl_msg *m)
{
	const json_t *array = NULL;
	size_t n;

	field_array(f, "rules", FIELD_MAY, POLICY_RULES_MAX, &array);
	n = json_array_size(array);
	if (f->rc || n == 0)
		return;
	m->policy.rules = calloc(n, sizeof *m->policy.rules);
	if (!m->policy.rules) {
		f->rc = err_set(f->reterr, ENOMEM, "rules", "out of memory");
		return;
	}
	m->policy.n_rules = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		char at[ERR_AT_MAX];

		f->rc = parse_one(json_array_get(array, i), f->strict,
				  &m->policy.rules[i], f->reterr);
		(void)snprintf(at, sizeof at, "rules[%zu]", i);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
}

int ctrl_parse_policy(const json_t *body, bool strict, struct ctrl_msg *m,
		      struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	uint32_t cmd = 0;

	m->policy.ipv6 = strict;
	field_u32(&f, "cmd", FIELD_MUST, POLICY_CMD_ADD, POLICY_CMD_DELETE,
		  &cmd);
	m->policy.cmd = (enum policy_cmd)cmd;
	field_u32(&f, "flag", FIELD_MUST, 0, 3, &m->policy.flag);
	field_u8(&f, "defact",
		 cmd == POLICY_CMD_DELETE ? FIELD_MAY : FIELD_MUST, 0,
		 POLICY_ACTION__MAX - 1, &m->policy.defact);
	field_u8(&f, "dir", cmd == POLICY_CMD_DELETE ? FIELD_MAY : FIELD_MUST,
		 0, POLICY_DIR_EGRESS | POLICY_DIR_INGRESS, &m->policy.dir);
	field_bool(&f, "ipv6", FIELD_MAY, &m->policy.ipv6);
	field_bool(&f, "defact_reject", FIELD_MAY, &m->policy.reject);
	field_macs(&f, "mac", FIELD_MUST, MSG_MACS_MAX, &m->policy.macs,
		   &m->policy.n_macs);
	parse_rules(&f, m);
	return fields_close(&f);
}

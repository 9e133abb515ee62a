#include "detect/sensor_scope.h"

#include "wire/app.h"
#include "wire/words.h"

static bool is_in(uint32_t id, const uint32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool dlp_looks(const struct sensor_scope *s,
		      const struct sensor_traffic *t)
{
	bool in = is_in(t->rule, s->rule_ids, s->n_rule_ids);
	bool counts = s->default_deny ||
		      (s->dir & POLICY_DIR_EGRESS && t->peer_is_host);

	if (!s->inside)
		return in || t->mesh;
	if (in || t->mesh)
		return false;
	return !(t->internal && t->open && t->rule == 0) || counts;
}

static bool waf_looks(const struct sensor_scope *s,
		      const struct sensor_traffic *t)
{
	if (!s->waf_inside)
		return t->mesh ||
		       is_in(t->rule, s->waf_rule_ids, s->n_waf_rule_ids);
	return !(t->internal && t->open);
}

unsigned sensor_scope_of(const struct sensor_scope *s,
			 const struct sensor_traffic *t)
{
	if (t->app == APP_TLS || t->app == APP_SSH || t->app == APP_QUIC)
		return 0;
	if (!t->session)
		return SENSOR_SCOPE_DLP | SENSOR_SCOPE_WAF;
	return (dlp_looks(s, t) ? SENSOR_SCOPE_DLP : 0u) |
	       (waf_looks(s, t) ? SENSOR_SCOPE_WAF : 0u);
}

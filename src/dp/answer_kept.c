#include "dp/answer_kept.h"

#include "base/addr.h"
#include "base/limits.h"
#include "policy/snapshot.h"
#include "wire/ctrl.h"

#define WHOLE (MSG_CHUNK_START | MSG_CHUNK_END)

static void set(json_t *o, const char *name, json_t *v)
{
	(void)json_object_set_new(o, name, v);
}

/* {NAME: body} behind the others; takes body. */
static void add(json_t *messages, enum ctrl_kind kind, json_t *body)
{
	json_t *m = json_object();

	set(m, ctrl_name(kind), body);
	(void)json_array_append_new(messages, m);
}

json_t *answer_kept_apps(const struct kept *k, uint16_t endpoint)
{
	json_t *list = json_array();
	size_t n;
	const struct app_record *apps = app_maps_get(k->apps, endpoint, &n);

	for (size_t i = 0; i < n; i++) {
		const struct app_record *a = &apps[i];
		int app = a->application ? a->application : a->proto;

		if (app_maps_is_configured(k->apps, endpoint, i))
			(void)json_array_append_new(
				list,
				json_pack("{s:i,s:i,s:i,s:i}", "ip_proto",
					  a->ip_proto, "port", a->port, "app",
					  app, "server", a->server));
	}
	return list;
}

static void add_names(json_t *messages, const struct fqdns *f)
{
	size_t n;
	const struct fqdn_entry *all = fqdns_all(f, &n);

	for (size_t i = 0; i < n; i++) {
		json_t *ips = json_array();

		for (size_t k = 0; k < all[i].n_ips; k++) {
			char text[IP_TEXT_MAX];

			(void)json_array_append_new(
				ips,
				json_string(ip_format(all[i].ips[k], text)));
		}
		add(messages, CTRL_CFG_SET_FQDN,
		    json_pack("{s:s,s:o,s:b}", "fqdn_name", all[i].name,
			      "fqdn_ips", ips, "vhost", all[i].vhost));
	}
}

static json_t *uses_json(const struct dlp_use *uses, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
			list,
			json_pack("{s:I,s:i}", "id", (json_int_t)uses[i].id,
				  "action", uses[i].action));
	return list;
}

static json_t *ids_json(const uint32_t *ids, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_integer(ids[i]));
	return list;
}

/* The MACs of those from `first` on of which that is the scope or detector. */
static json_t *macs_of(const struct snapshot_spec *s, const struct dlp *d,
		       uint16_t first, const void *what)
{
	json_t *macs = json_array();
	uint16_t n = (uint16_t)s->n_endpoints; /* <= ENDPOINTS_MAX */

	for (uint16_t i = first; i < n; i++) {
		char text[MAC_TEXT_MAX];

		if (dlp_scope_of(d, i) == what || dlp_detector_of(d, i) == what)
			(void)json_array_append_new(
				macs, json_string(mac_format(
					      s->endpoints[i].mac, text)));
	}
	return macs;
}

static void add_scope(json_t *messages, const struct dlp_scope *s, json_t *macs)
{
	json_t *body = json_object();

	set(body, "flag", json_integer(WHOLE));
	set(body, "mac", macs);
	set(body, "dlp_rule_names", uses_json(s->dlp, s->n_dlp));
	set(body, "waf_rule_names", uses_json(s->waf, s->n_waf));
	set(body, "rule_ids", ids_json(s->rule_ids, s->n_rule_ids));
	set(body, "waf_rule_ids", ids_json(s->waf_rule_ids, s->n_waf_rule_ids));
	set(body, "ruletype", json_string(s->inside ? "inside" : "outside"));
	set(body, "wafruletype",
	    json_string(s->waf_inside ? "wafinside" : "wafoutside"));
	add(messages, CTRL_CFG_DLP, body);
}

static void add_detector(json_t *messages, const struct dlp_detector *t,
			 json_t *macs)
{
	json_t *body = json_object(), *rules = json_array();

	for (size_t i = 0; i < t->n_rules; i++) {
		json_t *patterns = json_array();

		for (size_t k = 0; k < t->rules[i].n_patterns; k++)
			(void)json_array_append_new(
				patterns, json_string(t->rules[i].patterns[k]));
		(void)json_array_append_new(
			rules,
			json_pack("{s:s,s:I,s:o}", "name", t->rules[i].name,
				  "id", (json_int_t)t->rules[i].id, "patterns",
				  patterns));
	}
	set(body, "flag", json_integer(WHOLE));
	set(body, "dir", json_integer(t->dir));
	set(body, "mac", macs);
	set(body, "delmac", json_array());
	set(body, "dlp_rules", rules);
	add(messages, CTRL_BLD_DLP, body);
}

/* Has a workload before this one the same? Then it is told already. */
static bool is_first(const struct dlp *d, uint16_t endpoint, const void *what)
{
	for (uint16_t i = 0; i < endpoint; i++)
		if (dlp_scope_of(d, i) == what || dlp_detector_of(d, i) == what)
			return false;
	return true;
}

void answer_kept_messages(json_t *messages, const struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	const struct dlp *d = ctl->kept.dlp;
	uint16_t n = (uint16_t)s.n_endpoints; /* <= ENDPOINTS_MAX */

	add_names(messages, config_fqdns(ctl->config));
	for (uint16_t i = 0; i < n; i++) {
		const struct dlp_detector *t = dlp_detector_of(d, i);
		const struct dlp_scope *c = dlp_scope_of(d, i);

		if (t && is_first(d, i, t))
			add_detector(messages, t, macs_of(&s, d, i, t));
		if (c && is_first(d, i, c))
			add_scope(messages, c, macs_of(&s, d, i, c));
	}
}

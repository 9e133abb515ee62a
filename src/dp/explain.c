/*
 * Whose is an address? A workload's own rules say so (their end that is not the
 * peer), and so do its flows. Where neither does, the workload must be named,
 * and is then shown as if it were at either end.
 */
#include "dp/explain.h"

#include <errno.h>

#include "base/limits.h"
#include "dp/answer.h"
#include "dp/ask.h"
#include "policy/explain.h"

/* At which ends of the connection a workload is. */
#define END_FROM 1
#define END_TO	 2

static uint8_t end_of(const struct explain_spec *e, struct ip_addr own)
{
	return (uint8_t)((ip_equal(own, e->from) ? END_FROM : 0) |
			 (ip_equal(own, e->to) ? END_TO : 0));
}

static void ends_by_rules(const struct snapshot *s,
			  const struct explain_spec *e,
			  uint8_t ends[static ENDPOINTS_MAX])
{
	for (uint16_t i = 0; i < ENDPOINTS_MAX; i++) {
		const struct endpoint *ep = snapshot_endpoint(s, i);

		if (!ep || !ep->policy)
			continue;
		if (policy_owns_address(ep->policy, e->from))
			ends[i] |= END_FROM;
		if (policy_owns_address(ep->policy, e->to))
			ends[i] |= END_TO;
	}
}

static void ends_by_flows(struct control *ctl, const struct snapshot *s,
			  const struct explain_spec *e,
			  uint8_t ends[static ENDPOINTS_MAX])
{
	static struct flow_page page; /* 40 kB; one control thread */
	size_t seen = 0;

	page.cursor = 0;
	do {
		ask_flows(&ctl->workers, page.cursor, FLOWS_PER_QUESTION,
			  &page);
		for (size_t i = 0; i < page.n; i++) {
			const struct session_record *r = &page.records[i];
			bool in = r->flags & SESSION_INGRESS;
			uint16_t index =
				snapshot_find_mac(s, r->ep_mac, MAC_REAL);

			if (index != ENDPOINT_NONE)
				ends[index] |=
					end_of(e, in ? r->server : r->client);
		}
		seen += page.n;
	} while (page.n == FLOWS_PER_QUESTION && seen < EXPLAIN_FLOWS_MAX);
}

static void add_threat(json_t *o, enum dpi_action action)
{
	if (action == DPI_NONE)
		return;
	answer_uint(o, "threat", THREAT_EXTERNAL_IP);
	answer_text(o, "threat_action", dpi_action_name(action));
}

static json_t *answer_of(struct control *ctl, uint16_t index,
			 const struct explain_spec *e, bool ingress)
{
	const struct snapshot *s = config_current(ctl->config);
	struct policy_query q = explain_query(e, ingress);
	const struct endpoint *ep = snapshot_endpoint(s, index);
	json_t *o = json_object();
	char mac[MAC_TEXT_MAX];
	struct names_answer names;
	enum dpi_action threat;
	struct judgement j;

	ask_names(ctl->workers.at[workers_of(&ctl->workers, ep)], index,
		  ingress ? e->from : e->to, &names);
	q.names = names.ids;
	q.n_names = names.n;
	j = snapshot_judge(s, index, &q);

	answer_text(o, "workload", mac_format(ep->mac, mac));
	answer_text(o, "direction", ingress ? "ingress" : "egress");
	answer_text(o, "decided_by", explain_by_name(explain_by(&j)));
	answer_uint(o, "rule", j.rule_id);
	answer_text(o, "action", policy_action_name(j.action));
	answer_text(o, "reason", reason_name((enum reason)j.reason));
	answer_text(o, "text", reason_text((enum reason)j.reason));
	threat = inspect_settings_judged(&ctl->settings, &j);
	add_threat(o, threat);
	(void)json_object_set_new(o, "passes",
				  json_boolean(j.action != POLICY_DENY &&
					       !dpi_action_drops(threat)));
	(void)json_object_set_new(o, "tapped", json_boolean(ep->tap));
	(void)json_object_set_new(
		o, "rejected",
		json_boolean((j.action == POLICY_DENY && j.reject) ||
			     (threat == DPI_RESET && e->proto == PROTO_TCP)));
	answer_uint(o, "grace_minutes", j.grace_retries);
	if (j.name)
		answer_text(o, "name",
			    name_set_text(snapshot_names(s), j.name));
	return o;
}

static int check_mac(const struct snapshot *s, struct mac mac, const char *at,
		     struct err *reterr)
{
	char text[MAC_TEXT_MAX];

	if (mac_is_zero(mac) ||
	    snapshot_find_mac(s, mac, MAC_REAL) != ENDPOINT_NONE)
		return 0;
	return err_set(reterr, ENOENT, at, "no workload has the MAC %s",
		       mac_format(mac, text));
}

int explain_check(struct control *ctl, struct ctrl_msg *m, bool strict,
		  struct err *reterr)
{
	const struct snapshot *s = config_current(ctl->config);
	const struct explain_spec *e = &m->explain;
	int rc = 0;

	if (e->has_workload)
		rc = check_mac(s, e->workload, "weir_explain.workload", reterr);
	if (rc == 0)
		rc = check_mac(s, e->from_workload,
			       "weir_explain.from_workload", reterr);
	if (rc == 0)
		rc = check_mac(s, e->to_workload, "weir_explain.to_workload",
			       reterr);
	return rc;
}

/* Who asks knows who is there: nothing has to be found by addresses. */
static bool ends_by_name(const struct snapshot *s, const struct explain_spec *e,
			 uint8_t ends[static ENDPOINTS_MAX])
{
	bool from = !mac_is_zero(e->from_workload);
	bool to = !mac_is_zero(e->to_workload);

	if (from)
		ends[snapshot_find_mac(s, e->from_workload, MAC_REAL)] |=
			END_FROM;
	if (to)
		ends[snapshot_find_mac(s, e->to_workload, MAC_REAL)] |= END_TO;
	return from || to;
}

/* Only that workload; at both ends if it is not known at which. */
static void narrow_down(const struct snapshot *s, const struct explain_spec *e,
			uint8_t ends[static ENDPOINTS_MAX])
{
	uint16_t index = snapshot_find_mac(s, e->workload, MAC_REAL);

	for (uint16_t i = 0; i < ENDPOINTS_MAX; i++)
		if (i != index)
			ends[i] = 0;
		else if (ends[i] == 0)
			ends[i] = END_FROM | END_TO;
}

void explain_json(struct control *ctl, const struct ctrl_msg *m, json_t *result)
{
	const struct snapshot *s = config_current(ctl->config);
	const struct explain_spec *e = &m->explain;
	uint8_t ends[ENDPOINTS_MAX] = { 0 };
	json_t *list = json_array();
	uint64_t more = 0;

	if (!ends_by_name(s, e, ends)) {
		ends_by_rules(s, e, ends);
		ends_by_flows(ctl, s, e, ends);
	}
	if (e->has_workload)
		narrow_down(s, e, ends);
	for (uint16_t i = 0; i < ENDPOINTS_MAX; i++)
		for (unsigned in = 0; in < 2; in++) {
			if (!(ends[i] & (in ? END_TO : END_FROM)))
				continue;
			if (json_array_size(list) == EXPLAIN_ANSWERS_MAX)
				more++;
			else
				(void)json_array_append_new(
					list, answer_of(ctl, i, e, in));
		}
	answer_uint(result, "version", snapshot_version(s));
	(void)json_object_set_new(result, "answers", list);
	answer_uint(result, "more", more);
}

#include "dp/answer_policy.h"

#include "base/addr.h"
#include "dp/answer.h"

static void add_whole(json_t *o, const struct control *ctl)
{
	struct config_whole w = config_whole(ctl->config);

	answer_uint(o, "version", w.version);
	answer_uint(o, "policies", w.policies);
	answer_uint(o, "rules", w.rules);
	answer_uint(o, "compiled", w.compiled);
}

void answer_policy_in_force(json_t *result, const struct control *ctl)
{
	add_whole(answer_group(result, "weir_policy"), ctl);
}

static void add_unknown(json_t *list, const struct snapshot *s,
			const struct whole_policy *p)
{
	char text[MAC_TEXT_MAX];

	for (size_t i = 0; i < p->n_macs; i++)
		if (snapshot_find_mac(s, p->macs[i], MAC_REAL) == ENDPOINT_NONE)
			(void)json_array_append_new(
				list,
				json_string(mac_format(p->macs[i], text)));
}

void answer_policies(json_t *result, const struct control *ctl,
		     const struct whole_spec *sent)
{
	const struct snapshot *s = config_current(ctl->config);
	json_t *unknown = json_array();

	add_whole(result, ctl);
	for (size_t i = 0; i < sent->n_policies; i++)
		add_unknown(unknown, s, &sent->policies[i]);
	(void)json_object_set_new(result, "unknown", unknown);
}

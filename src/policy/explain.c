#include "policy/explain.h"

struct policy_query explain_query(const struct explain_spec *e, bool ingress)
{
	return (struct policy_query){
		.client = e->from,
		.server = e->to,
		.server_port = e->port,
		.proto = e->proto,
		.ingress = ingress,
		.app = e->app,
		.vhost = e->vhost[0] ? e->vhost : NULL,
		.request = e->asked ? &e->request : NULL,
	};
}

enum explain_by explain_by(const struct judgement *j)
{
	switch ((enum reason)j->reason) {
	case REASON_RULE:
	case REASON_APP_PENDING:
	case REASON_NAMESPACE: return EXPLAIN_RULE;
	case REASON_DEFAULT: return EXPLAIN_DEFAULT;
	default: return EXPLAIN_SWITCH;
	}
}

const char *explain_by_name(enum explain_by by)
{
	static const char *const names[] = { "rule", "switch", "default" };
	_Static_assert(sizeof names / sizeof *names == EXPLAIN__MAX,
		       "one name each");

	return names[by];
}

/*
 * users.conf: who may what.
 *
 * Permissions of subjects alone keep nobody apart in NATS. A request names where its
 * answer goes, and what answers - JetStream - asks nobody whether the client may say
 * something there: a node that may read a value it wrote, "to $KV.weir-policy.intent",
 * has written the policy. So does a consumer's deliver_subject.
 *
 * Hence each node is an account of its own, in which there is nothing but what it
 * imports; answers come to subjects of that account. The fleet's account, in which the
 * streams are, has the editors, who may write the policy anyway. A node makes no
 * consumers there. What changes it hears as the streams republish it, once it is
 * stored (NAME.news.); what came across accounts by the same server is passed on to
 * no third one otherwise.
 *
 * What nodes have learned is said again to nobody: of a thousand lists each would hear
 * all. Editors ask for it. A node writes its own list, an editor alone what was turned
 * down, so that whose word counts there is the servers' knowledge.
 *
 *   node-b ── $KV.weir-states.state.b, weir.events.b, $JS.API... ──▶ fleet: streams, editors
 *          ◀── weir.news.>, weir.ask.b, weir.ask-all ──────────
 */
#include <string.h>

#include "base/text.h"
#include "cli/fleet_conf.h"

/* In subjects '@' is the fleet's name, '~' a node's, '#' a stream's. */

/* What each node may ask and say, all the same. */
static const char *const common[] = {
	"$JS.API.INFO",
	"$JS.API.STREAM.INFO.KV_@-policy",
	"$JS.API.STREAM.INFO.KV_@-nodes",
	"$JS.API.STREAM.INFO.KV_@-states",
	"$JS.API.STREAM.INFO.KV_@-learned",
	"$JS.API.STREAM.INFO.@-events",
	"$JS.API.STREAM.INFO.@-flows",
	"$JS.API.DIRECT.GET.KV_@-policy",
	"$JS.API.DIRECT.GET.KV_@-policy.>",
	"$JS.API.DIRECT.GET.KV_@-nodes",
	"$JS.API.DIRECT.GET.KV_@-nodes.>",
	"$JS.API.STREAM.MSG.GET.KV_@-policy",
	"$JS.API.STREAM.MSG.GET.KV_@-nodes",
	"$JS.API.DIRECT.GET.KV_@-states",
	"$JS.API.STREAM.MSG.GET.KV_@-states",
};

/* What one node alone may. */
static const char *const own[] = {
	"$KV.@-nodes.inventory.~",
	"$KV.@-states.state.~",
	"$KV.@-learned.learned.~",
	"@.events.~",
	"@.flows.~",
	"$JS.API.DIRECT.GET.@-events.@.events.~",
	"$JS.API.DIRECT.GET.@-flows.@.flows.~",
};

/* What an editor may besides. */
static const char *const edits[] = {
	"$KV.@-policy.>",
	"$KV.@-nodes.>",
	"$KV.@-states.>",
	"$KV.@-learned.>",
	"$JS.API.DIRECT.GET.KV_@-learned",
	"$JS.API.STREAM.MSG.GET.KV_@-learned",
	"@.ask.*",
	"@.ask-all",
	"$JS.FC.>",
	"$JS.ACK.>",
};

/* Of what all have recorded: any message, by its number. */
static const char *const reads[] = {
	"$JS.API.DIRECT.GET.@-events",
	"$JS.API.DIRECT.GET.@-flows",
};

/* And with each stream. */
static const char *const manages[] = {
	"$JS.API.STREAM.CREATE.#",   "$JS.API.STREAM.UPDATE.#",
	"$JS.API.CONSUMER.CREATE.#", "$JS.API.CONSUMER.CREATE.#.>",
	"$JS.API.CONSUMER.INFO.#.>", "$JS.API.CONSUMER.DELETE.#.>",
};

static const char *const streams[] = { "KV_@-policy", "KV_@-nodes",
				       "KV_@-states", "KV_@-learned",
				       "@-events",    "@-flows" };

/* What comes to all nodes. */
static const char *const told[] = { "@.news.>", "@.ask-all" };

/* What a node hears besides. */
static const char *const hears[] = { "_INBOX.~.>", "@.ask.~" };

/* Where a node answers an editor; ~ is the editor. */
static const char inbox[] = "_INBOX.~.>";

#define N(table) (sizeof(table) / sizeof *(table))

struct writer {
	struct text t;
	const struct fleet_plan *plan;
	const char *node;   /* '~' */
	const char *stream; /* '#', with '@' in it */
};

/* The stream's name, which has only the fleet's in it. */
static void put_stream(struct writer *w)
{
	for (const char *c = w->stream; *c; c++)
		if (*c == '@')
			text_add_word(&w->t, w->plan->name);
		else
			text_add(&w->t, c, 1);
}

static void put(struct writer *w, const char *before, const char *subject,
		const char *after)
{
	text_add_word(&w->t, before);
	for (const char *c = subject; *c; c++)
		switch (*c) {
		case '@': text_add_word(&w->t, w->plan->name); break;
		case '~': text_add_word(&w->t, w->node); break;
		case '#': put_stream(w); break;
		default: text_add(&w->t, c, 1);
		}
	text_add_word(&w->t, after);
}

#define put_all(w, before, table, after) \
	put_n(w, before, table, N(table), after)

static void put_n(struct writer *w, const char *before,
		  const char *const *subjects, size_t n, const char *after)
{
	for (size_t i = 0; i < n; i++)
		put(w, before, subjects[i], after);
}

/* --- users ----------------------------------------------------------------- */

#define SUBJECT	    "                    \""
#define SUBJECT_END "\"\n"

static void put_editing(struct writer *w)
{
	put_all(w, SUBJECT, edits, SUBJECT_END);
	put_all(w, SUBJECT, reads, SUBJECT_END);
	for (size_t i = 0; i < N(streams); i++) {
		w->stream = streams[i];
		put_all(w, SUBJECT, manages, SUBJECT_END);
	}
}

static void put_user(struct writer *w, const struct fleet_node *n)
{
	char user[FLEET_USER_MAX];

	w->node = n->name;
	text_addf(&w->t,
		  "            { user: \"%s\", permissions: {\n"
		  "                publish: { allow: [\n",
		  fleet_conf_user(w->plan, n, user));
	put_all(w, SUBJECT, common, SUBJECT_END);
	put_all(w, SUBJECT, own, SUBJECT_END);
	if (n->editor)
		put_editing(w);
	text_add_word(&w->t, "                ] }\n"
			     "                subscribe: { allow: [\n");
	put_all(w, SUBJECT, told, SUBJECT_END);
	put_all(w, SUBJECT, hears, SUBJECT_END);
	text_add_word(&w->t,
		      "                ] }\n"
		      "                allow_responses: { max: 1, expires: "
		      "\"1m\" }\n"
		      "            } }\n");
}

/* --- accounts -------------------------------------------------------------- */

#define SERVICE	   "            { service: \""
#define STREAM	   "            { stream: \""
#define ALL	   "\" }\n"
#define OF_FLEET   "{ account: \"fleet\", subject: \""
#define IN_SERVICE "            { service: " OF_FLEET
#define IN_STREAM  "            { stream: " OF_FLEET
#define IMPORTED   "\" } }\n"

/* Each editor's inbox, as something of the fleet's. */
static void put_inboxes(struct writer *w, const char *before, const char *after)
{
	for (size_t i = 0; i < w->plan->n_nodes; i++) {
		w->node = w->plan->nodes[i].name;
		if (w->plan->nodes[i].editor)
			put(w, before, inbox, after);
	}
}

static void put_fleet(struct writer *w)
{
	const struct fleet_plan *p = w->plan;

	text_add_word(&w->t, "    fleet {\n"
			     "        jetstream: enabled\n"
			     "        users: [\n");
	for (size_t i = 0; i < p->n_nodes; i++)
		if (p->nodes[i].editor)
			put_user(w, &p->nodes[i]);
	text_add_word(&w->t, "        ]\n"
			     "        exports: [\n");
	put_all(w, SERVICE, common, ALL);
	put_inboxes(w, SERVICE, ALL);
	put_all(w, STREAM, told, ALL);
	for (size_t i = 0; i < p->n_nodes; i++) {
		w->node = p->nodes[i].name;
		if (!p->nodes[i].editor)
			for (size_t j = 0; j < N(own); j++) {
				put(w, SERVICE, own[j],
				    "\", accounts: [\"node-");
				put(w, "", "~", "\"] }\n");
			}
	}
	text_add_word(&w->t, "        ]\n"
			     "        imports: [\n");
	for (size_t i = 0; i < p->n_nodes; i++) {
		w->node = p->nodes[i].name;
		if (!p->nodes[i].editor)
			put(w, "            { service: { account: \"node-",
			    "~\", subject: \"@.ask.~", IMPORTED);
	}
	text_add_word(&w->t, "        ]\n    }\n");
}

static void put_node(struct writer *w, const struct fleet_node *n)
{
	w->node = n->name;
	put(w, "    node-", "~", " {\n        users: [\n");
	put_user(w, n);
	put(w, "        ]\n        exports: [ { service: \"", "@.ask.~",
	    "\", accounts: [\"fleet\"] } ]\n        imports: [\n");
	put_all(w, IN_SERVICE, common, IMPORTED);
	put_all(w, IN_SERVICE, own, IMPORTED);
	put_inboxes(w, IN_SERVICE, IMPORTED);
	put_all(w, IN_STREAM, told, IMPORTED);
	text_add_word(&w->t, "        ]\n    }\n");
}

/*
 * The servers' own account, in which they say of themselves how they are. Its user may
 * take one out of their group, and see who keeps what (fleet/retire.h); a certificate
 * for it is made when it is needed (fleet_retire.c), and kept nowhere.
 */
static void put_admin(struct writer *w)
{
	char user[FLEET_USER_MAX];

	text_addf(&w->t,
		  "    $SYS {\n"
		  "        users: [\n"
		  "            { user: \"%s\", permissions: {\n"
		  "                publish: { allow: [\n"
		  "                    \"$JS.API.SERVER.REMOVE\"\n"
		  "                    \"$SYS.REQ.SERVER.PING.JSZ\"\n"
		  "                ] }\n"
		  "                subscribe: { allow: [\n"
		  "                    \"_INBOX.admin.>\"\n"
		  "                ] }\n"
		  "            } }\n"
		  "        ]\n"
		  "    }\n",
		  fleet_conf_admin(w->plan, user));
}

char *fleet_conf_users(const struct fleet_plan *p)
{
	struct writer w = { .plan = p };

	text_addf(&w.t,
		  "# The nodes of the fleet %s, the same for each server. "
		  "Written by weir fleet init,\n"
		  "# and anew when nodes come and go.\n\n"
		  "accounts {\n",
		  p->name);
	put_admin(&w);
	put_fleet(&w);
	for (size_t i = 0; i < p->n_nodes; i++)
		if (!p->nodes[i].editor)
			put_node(&w, &p->nodes[i]);
	text_add_word(&w.t, "}\n");
	return text_take(&w.t);
}

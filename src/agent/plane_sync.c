/*
 * Order: what goes, goes first - a tap before the endpoint it speaks of; then
 * what comes, what is looked for, the policy, and at last the service port: no
 * frame comes before it is known what to do with it.
 *
 * Rules and sensors that are refused are told, and the policy does not wait for
 * what would do. Who has which sensor is forgotten with an endpoint, so it is
 * said again when one comes.
 *
 * With an endpoint it is said which ports are listened on there at that time: of
 * connections that are older than the data plane nothing else tells who is the
 * server, and so which rules speak of them.
 *
 * A tap that cannot be opened, say because its workload just went, is told in
 * the log and tried again a moment later; the policy does not wait for it.
 */
#include "agent/plane_sync.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "net/listeners.h"

/* It had one when it was found; a device that went it has lost, and looks for. */
#define VTH_WHICHEVER UINT32_MAX

void plane_has_done(struct plane_has *has)
{
	json_decref(has->endpoints);
	json_decref(has->taps);
	json_decref(has->rules.answer);
	json_decref(has->detection.answer);
	*has = (struct plane_has){ 0 };
}

static void keep(json_t *all, const json_t *message, const char *name,
		 const char *key)
{
	json_t *body = json_object_get(message, name);

	if (!body)
		return;
	(void)json_object_del(body, "oldmac"); /* never said by us */
	(void)json_object_del(body, "pmac");
	(void)json_object_set(
		all, json_string_value(json_object_get(body, key)), body);
}

/*
 * Of an endpoint that was added, its tap: as it is until ctrl_cfg_mac came. Whoever said
 * the one and not the other has ended between them; none of ours has one, so it is not
 * taken for what is wanted.
 */
static void keep_taps(json_t *endpoints, const json_t *message)
{
	const json_t *body = json_object_get(message, "ctrl_cfg_mac");
	json_t *mac, *endpoint;
	size_t i;

	if (!json_is_true(json_object_get(body, "tap")))
		return;
	json_array_foreach (json_object_get(body, "macs"), i, mac) {
		endpoint = json_object_get(endpoints, json_string_value(mac));
		(void)json_object_set_new(endpoint, "tap", json_true());
	}
}

/* Rules speak of ICMP, too, and what none speaks of is by mode. */
static int judge_icmp(struct dpclient *c, struct err *reterr)
{
	json_t *message = json_pack("{s:{s:b}}", "ctrl_enable_icmp_policy",
				    "enable_icmp_policy", 1);
	json_t *answer = NULL;
	int rc = dpclient_ask(c, message, &answer, reterr);

	json_decref(message);
	json_decref(answer);
	return rc;
}

/*
 * Whose policy has not come yet may nothing. An older data plane does not know
 * how, and is told of (weir status); then the kernel's hold, and port_last,
 * have to be enough.
 */
static int drop_untold(struct dpclient *c, bool *ret, struct err *reterr)
{
	json_t *message = json_pack("{s:{s:{s:s}}}", "weir_settings", "policy",
				    "absent", "drop");
	json_t *answer = NULL;
	int rc = dpclient_ask(c, message, &answer, reterr);

	json_decref(message);
	json_decref(answer);
	*ret = rc == 0;
	return rc == -EINVAL ? 0 : rc;
}

int plane_set_up(struct dpclient *c, bool *ret_drops, struct err *reterr)
{
	int rc = judge_icmp(c, reterr);

	return rc < 0 ? rc : drop_untold(c, ret_drops, reterr);
}

int plane_read(struct dpclient *c, struct plane_has *has, struct err *reterr)
{
	struct plane_has found = { 0 };
	json_t *answer = NULL, *message;
	size_t i;
	int rc = dpclient_ask_name(c, "weir_config", &answer, reterr);

	if (rc < 0)
		return rc;
	found.endpoints = json_object();
	found.taps = json_object();
	json_array_foreach (json_object_get(answer, "messages"), i, message) {
		if (json_object_get(message, "ctrl_add_srvc_port"))
			found.vth = VTH_WHICHEVER;
		keep(found.endpoints, message, "ctrl_add_mac", "mac");
		keep_taps(found.endpoints, message);
		keep(found.taps, message, "ctrl_add_tap_port", "epmac");
	}
	json_decref(answer);
	plane_has_done(has);
	*has = found;
	rc = plane_look_built(c, "weir_rules", &has->rules, reterr);
	if (rc == 0)
		rc = plane_look_built(c, "weir_detection", &has->detection,
				      reterr);
	return rc;
}

bool plane_is_refusal(int rc)
{
	return rc == -EINVAL || rc == -E2BIG || rc == -ENOENT ||
	       rc == -EEXIST || rc == -ENOSPC || rc == -ESRCH || rc == -ESTALE;
}

/* --- rules and sensors ---------------------------------------------------------- */

/* Takes answer. */
static void answered(struct plane_built *b, json_t *answer)
{
	json_decref(b->answer);
	b->answer = answer;
	b->building = json_is_true(json_object_get(answer, "building"));
	b->version = (uint64_t)json_integer_value(
		json_object_get(answer, "version"));
	b->is_news = true;
}

int plane_look_built(struct dpclient *c, const char *name,
		     struct plane_built *b, struct err *reterr)
{
	json_t *answer = NULL;
	int rc = b->unknown ? 0 : dpclient_ask_name(c, name, &answer, reterr);

	if (rc == -ENOENT) {
		b->unknown = b->is_news = true;
		(void)err_set(&b->err, ENOENT, NULL,
			      "this data plane has no %s", name);
		return 0;
	}
	if (answer)
		answered(b, answer);
	return rc;
}

/* again: also if it has it. */
static int say_body(struct dpclient *c, const char *name, struct plane_built *b,
		    const struct body *body, bool again, struct err *reterr)
{
	json_t *answer = NULL;
	int rc;

	if (!body || b->unknown || (b->version == body->version && !again))
		return 0;
	rc = dpclient_ask_text(c, name, body->text, &answer, reterr);
	if (rc < 0 && !plane_is_refusal(rc))
		return rc;
	b->err = (struct err){ 0 };
	if (rc == 0) {
		answered(b, answer);
		return 0;
	}
	b->err = *reterr;
	b->is_news = true;
	b->version = body->version; /* not again and again the same */
	return 0;
}

static int say_detection(struct dpclient *c, struct plane_has *has,
			 const struct plane_want *want, bool new_endpoints,
			 struct err *reterr)
{
	int rc = say_body(c, "weir_rules", &has->rules, want->rules, false,
			  reterr);

	if (rc == 0)
		rc = say_body(c, "weir_detection", &has->detection,
			      want->detection, new_endpoints, reterr);
	return rc;
}

int plane_say(struct dpclient *c, const char *name, json_t *body,
	      json_t **ret_answer, struct err *reterr)
{
	json_t *message = json_pack("{s:o}", name, body), *answer = NULL;
	int rc = message ? dpclient_ask(c, message, &answer, reterr)
			 : err_set(reterr, ENOMEM, NULL, "out of memory");

	json_decref(message);
	if (rc == 0 && ret_answer)
		*ret_answer = answer;
	else
		json_decref(answer);
	return rc;
}

static int remove_taps(struct dpclient *c, struct plane_has *has,
		       const json_t *wanted, struct err *reterr)
{
	const char *mac;
	json_t *body;
	void *next;
	int rc = 0;

	json_object_foreach_safe (has->taps, next, mac, body) {
		if (json_equal(json_object_get(wanted, mac), body))
			continue;
		rc = plane_say(c, "ctrl_del_tap_port", json_incref(body), NULL,
			       reterr);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		(void)json_object_del(has->taps, mac);
	}
	return 0;
}

static void add_taps(struct dpclient *c, struct plane_has *has,
		     const json_t *wanted)
{
	bool missed = has->taps_missing;
	const char *mac;
	json_t *body;
	struct err err;

	has->taps_missing = false;
	json_object_foreach ((json_t *)(uintptr_t)wanted, mac, body) {
		if (json_object_get(has->taps, mac))
			continue;
		if (plane_say(c, "ctrl_add_tap_port", json_incref(body), NULL,
			      &err) == 0)
			(void)json_object_set(has->taps, mac, body);
		else if (!missed) /* told once, while it lasts */
			log_warn("data plane: cannot listen to %s: %s", mac,
				 err.text);
		has->taps_missing |= !json_object_get(has->taps, mac);
	}
}

static int remove_endpoints(struct dpclient *c, struct plane_has *has,
			    const json_t *wanted, struct err *reterr)
{
	json_t *body, *want;
	const char *mac;
	void *next;
	int rc = 0;

	json_object_foreach_safe (has->endpoints, next, mac, body) {
		want = json_object_get(wanted, mac);
		if (want && json_equal(want, body))
			continue;
		rc = plane_say(
			c, "ctrl_del_mac",
			json_pack("{s:s, s:s}", "mac", mac, "iface", "vth"),
			NULL, reterr);
		if (rc < 0)
			return rc;
		(void)json_object_del(has->endpoints, mac);
	}
	return rc;
}

static int add_listener(void *arg, uint16_t port)
{
	json_t *all = arg;

	if (json_array_size(all) >= ENDPOINT_APPS_MAX)
		return 1; /* those few hundred that are left over are guessed */
	(void)json_array_append_new(all,
				    json_pack("{s:i, s:i}", "ip_proto",
					      IPPROTO_TCP, "port", (int)port));
	return 0;
}

/* Empty where it cannot be told: then the data plane guesses. */
static json_t *listeners_of(const json_t *homes, const char *mac)
{
	const char *path = json_string_value(json_object_get(homes, mac));
	json_t *all = json_array();
	struct netns ns;
	struct err err;

	/* one that is gone by now needs nothing any more */
	if (path && netns_open(path, &ns, &err) == 0) {
		if (listeners_each(&ns, add_listener, all, &err) < 0)
			log_warn("data plane: who listens is not known: %s "
				 "netns=%s",
				 err.text, path);
		netns_done(&ns);
	}
	return all;
}

static int add_endpoints(struct dpclient *c, struct plane_has *has,
			 const struct plane_want *want, struct err *reterr)
{
	const json_t *wanted = want->endpoints;
	const char *mac;
	json_t *body;
	int rc = 0;

	json_object_foreach ((json_t *)(uintptr_t)wanted, mac, body) {
		if (json_object_get(has->endpoints, mac))
			continue;
		rc = plane_say(c, "ctrl_add_mac", json_incref(body), NULL,
			       reterr);
		if (rc == 0)
			rc = plane_say(
				c, "ctrl_cfg_mac",
				json_pack("{s:[s], s:b, s:o}", "macs", mac,
					  "tap", 0, "apps",
					  listeners_of(want->homes, mac)),
				NULL, reterr);
		if (rc < 0)
			return rc;
		(void)json_object_set(has->endpoints, mac, body);
	}
	return rc;
}

static int give_port(struct dpclient *c, struct plane_has *has, uint32_t vth,
		     struct err *reterr)
{
	int rc;

	if (has->vth == VTH_WHICHEVER && vth != 0)
		has->vth = vth;
	if (vth == has->vth || vth == 0)
		return 0;
	/* one of the same name that is gone; or none */
	(void)plane_say(c, "ctrl_del_srvc_port",
			json_pack("{s:s}", "iface", "vth"), NULL, NULL);
	rc = plane_say(c, "ctrl_add_srvc_port",
		       json_pack("{s:s}", "iface", "vth"), NULL, reterr);
	if (rc == 0)
		has->vth = vth;
	return rc;
}

static bool has_new(const struct plane_has *has, const json_t *wanted)
{
	const char *mac;
	json_t *body;

	json_object_foreach ((json_t *)(uintptr_t)wanted, mac, body)
		if (!json_object_get(has->endpoints, mac))
			return true;
	return false;
}

/* Until give_port(). */
static int take_port(struct dpclient *c, struct plane_has *has,
		     struct err *reterr)
{
	int rc = has->vth ? plane_say(c, "ctrl_del_srvc_port",
				      json_pack("{s:s}", "iface", "vth"), NULL,
				      reterr)
			  : 0;

	if (rc == 0)
		has->vth = 0;
	return rc;
}

/* force: also if what is there has a later version. */
static int say_policy(struct dpclient *c, const char *policy, bool force,
		      json_t **ret_answer, struct err *reterr)
{
	struct text forced = { 0 };
	int rc;

	if (!force)
		return dpclient_ask_text(c, "weir_policy", policy, ret_answer,
					 reterr);
	text_add_word(&forced, "{\"force\":true,");
	text_add_word(&forced, policy + 1); /* without its { */
	text_add(&forced, "", 1);
	rc = forced.failed ? err_set(reterr, ENOMEM, NULL, "out of memory")
			   : dpclient_ask_text(c, "weir_policy", forced.at,
					       ret_answer, reterr);
	text_done(&forced);
	return rc;
}

int plane_sync(struct dpclient *c, struct plane_has *has,
	       const struct plane_want *want, json_t **ret_answer,
	       struct err *reterr)
{
	int rc = remove_taps(c, has, want->taps, reterr);
	bool new = false;

	if (rc == 0)
		rc = remove_endpoints(c, has, want->endpoints, reterr);
	if (rc == 0)
		new = has_new(has, want->endpoints);
	if (rc == 0 && want->port_last && !has->drops_untold && new)
		rc = take_port(c, has, reterr);
	if (rc == 0)
		rc = add_endpoints(c, has, want, reterr);
	if (rc == 0)
		rc = say_detection(c, has, want, new, reterr);
	if (rc == 0) /* what another agent said before counts no more */
		rc = say_policy(c, want->policy, has->number == 0, ret_answer,
				reterr);
	if (rc == 0)
		rc = give_port(c, has, want->vth, reterr);
	if (rc == 0)
		add_taps(c, has, want->taps);
	return rc;
}

/* --- asking it ----------------------------------------------------------------------- */

static uint64_t number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

int plane_page(struct dpclient *client, struct told_cursor *c,
	       json_t **ret_list, uint64_t *ret_missed, bool *ret_more,
	       struct err *reterr)
{
	json_t *answer = NULL;
	json_t *body = json_pack(
		"{s:I, s:I, s:i}", "after", (json_int_t)c->after, "epoch",
		(json_int_t)c->epoch, "limit", PLANE_TOLD_PAGE);
	int rc;

	*ret_list = NULL;
	*ret_missed = 0;
	*ret_more = false;
	if (c->raw)
		(void)json_object_set_new(body, "raw", json_true());
	rc = plane_say(client, c->message, body, &answer, reterr);
	if (rc == -ENOENT && c->newer) /* it does not tell that yet */
		return 0;
	if (rc < 0)
		return rc;
	c->after = number(answer, "next");
	c->epoch = number(answer, "epoch");
	*ret_list = json_incref(json_object_get(answer, c->member));
	*ret_missed = number(answer, "missed");
	*ret_more = json_is_true(json_object_get(answer, "more"));
	json_decref(answer);
	return 0;
}

bool plane_is_ours(const json_t *version)
{
	const char *text =
		json_string_value(json_object_get(version, "version"));

	return text && strcmp(text, WEIR_VERSION) == 0;
}

/*
 * One data plane in place of another, while connections go on (dp/handover.h).
 * That of splices follows the host's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/commands.h"
#include "agent/door.h"
#include "agent/record.h"

static void note(struct agent *a, const json_t *to, const char *whose)
{
	char text[160];

	(void)snprintf(text, sizeof text,
		       "%s was handed over to another process, version %s, in "
		       "%lld us",
		       whose, json_string_value(json_object_get(to, "version")),
		       (long long)json_integer_value(
			       json_object_get(to, "stalled_us")));
	record_state(a, "data-plane", "info", text);
	log_info("%s", text);
}

void plane_was_handed_over(struct agent *a, bool of_splices,
			   const json_t *version)
{
	if (!of_splices) {
		json_decref(a->plane_version);
		a->plane_version = json_incref((json_t *)(uintptr_t)version);
	}
	note(a, version,
	     of_splices ? "the data plane of splices" : "the data plane");
}

/* Of the host's, then of the one of splices. */
static bool add_handed(struct agent *a, const json_t *about, json_t *result,
		       struct err *reterr)
{
	json_t *to = json_incref((json_t *)(uintptr_t)about);
	bool second = json_object_get(result, "data_plane") != NULL;

	(void)a;
	if (!about)
		return false;
	(void)json_object_del(to, "ok");
	(void)json_object_del(to, "id");
	(void)json_object_set_new(result, second ? "splices" : "data_plane",
				  to);
	(void)json_object_set_new(result, "handed_over", json_true());
	return false;
}

static bool is_current(const json_t *version)
{
	const char *text =
		json_string_value(json_object_get(version, "version"));

	return text && strcmp(text, WEIR_VERSION) == 0;
}

static json_t *hand_over(void)
{
	return json_pack("{s:{}}", "weir_hand_over");
}

int command_upgrade(struct agent *a, struct door_client *c, const json_t *args,
		    json_t *result, struct err *reterr)
{
	bool anyhow = json_is_true(json_object_get(args, "test"));

	if (!a->plane_up)
		return err_set(reterr, ENOTCONN, NULL,
			       "no data plane is there to be replaced");
	if (!a->config.plane_managed)
		return err_set(reterr, ENOTSUP, NULL,
			       "the data plane is not the agent's to start "
			       "(data_plane.managed)");
	(void)json_object_set(result, "before", a->plane_version);
	(void)json_object_set_new(result, "handed_over", json_false());
	if (!anyhow && is_current(a->plane_version))
		return 0;
	record_change_by(a, "the data plane was to be replaced by another", c);
	door_later_planes_then(c, hand_over(),
			       a->splice_plane_up ? hand_over() : NULL,
			       add_handed, result);
	return COMMAND_LATER;
}

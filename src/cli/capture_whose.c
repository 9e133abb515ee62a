#include "cli/capture_whose.h"

#include <errno.h>
#include <string.h>

#include "door/agentclient.h"
#include "net/link.h"

#define DEV_DEFAULT "eth0"

static int by_netns(const struct capture_whose *w, const char *netns,
		    struct mac *ret, struct err *reterr)
{
	struct netns ns = { .fd = -1 };
	struct link_stat link;
	struct nl *nl = NULL;
	int rc = netns_open(netns, &ns, reterr);

	if (rc == 0)
		rc = nl_open(&ns, &nl, reterr);
	if (rc == 0)
		rc = link_get(nl, w->dev ? w->dev : DEV_DEFAULT, &link, reterr);
	if (rc == 0)
		*ret = link.mac;
	nl_free(nl);
	netns_done(&ns);
	return rc;
}

/* What the agent shows of it. */
static int ask_agent(const struct capture_whose *w, json_t **ret,
		     struct err *reterr)
{
	struct agentclient c = { .fd = -1 };
	int rc = agentclient_open(w->socket, &c, reterr);

	if (rc == 0)
		rc = agentclient_ask(&c, "show",
				     json_pack("{s:s}", "workload", w->name),
				     ret, reterr);
	agentclient_done(&c);
	return rc;
}

/* The port that is meant: the named one, else eth0, else the only one. */
static const json_t *port_of(const struct capture_whose *w, const json_t *ports)
{
	const char *dev = w->dev ? w->dev : DEV_DEFAULT;

	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *p = json_array_get(ports, i);
		const char *name =
			json_string_value(json_object_get(p, "device"));

		if (name && strcmp(name, dev) == 0)
			return p;
	}
	return !w->dev && json_array_size(ports) == 1 ? json_array_get(ports, 0)
						      : NULL;
}

static int by_agent(const struct capture_whose *w, struct mac *ret,
		    struct err *reterr)
{
	const json_t *port;
	json_t *answer = NULL;
	const char *mac;
	int rc = ask_agent(w, &answer, reterr);

	if (rc < 0)
		return rc;
	port = port_of(w, json_object_get(json_object_get(answer, "workload"),
					  "ports"));
	mac = json_string_value(json_object_get(port, "mac"));
	if (!port)
		rc = err_set(reterr, ENODEV, "--dev",
			     "%s has no port %s; see: weir show %s", w->name,
			     w->dev ? w->dev : DEV_DEFAULT, w->name);
	else if (!mac || mac_parse(mac, ret) < 0 || mac_is_zero(*ret))
		rc = err_set(reterr, ENODEV, NULL, "%s's port has no MAC",
			     w->name);
	json_decref(answer);
	return rc;
}

int capture_find_mac(const struct capture_whose *w, struct mac *ret,
		     struct err *reterr)
{
	struct err ignored;
	int rc;

	if (!mac_is_zero(w->mac)) {
		*ret = w->mac;
		return 0;
	}
	if (w->netns)
		return by_netns(w, w->netns, ret, reterr);
	rc = by_agent(w, ret, reterr);
	if (rc == -ECONNREFUSED)
		return by_netns(w, w->name, ret, reterr);
	if (rc == -ENOENT && by_netns(w, w->name, ret, &ignored) == 0)
		return 0;
	return rc;
}

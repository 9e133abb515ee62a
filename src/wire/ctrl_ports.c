/*
 * The reference cuts names that are too long; two that differ only behind the
 * cut would be one, so we refuse them. A pair's names may be longer than Linux
 * allows (Appendix D): they are the agent's labels as much as devices.
 *
 * The delete messages reuse the add messages' structure (Appendix D), so both
 * have one parser.
 */
#include "wire/ctrl_ports.h"

#include <string.h>

static bool is_name(const char *text)
{
	return text[0] != '\0' && !strchr(text, '/') && !strchr(text, ' ') &&
	       strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static void field_name(struct fields *f, const char *field,
		       enum field_need need, size_t room, char *ret)
{
	const char *name;

	if (!field_str(f, field, need, room - 1, &name))
		return;
	if (!is_name(name)) {
		fields_refuse(f, field, "not an interface name: \"%s\"", name);
		return;
	}
	memcpy(ret, name, strlen(name) + 1);
}

void ctrl_field_iface(struct fields *f, enum field_need need,
		      char ret[static IFNAMSIZ])
{
	field_name(f, "iface", need, IFNAMSIZ, ret);
}

static void field_netns(struct fields *f, char ret[static NETNS_PATH_MAX])
{
	const char *path;

	if (!field_str(f, "netns", FIELD_MUST, NETNS_PATH_MAX - 1, &path))
		return;
	if (path[0] != '/') {
		fields_refuse(f, "netns",
			      "expected a path like /proc/4711/ns/net");
		return;
	}
	memcpy(ret, path, strlen(path) + 1);
}

int ctrl_parse_srvc_port(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	ctrl_field_iface(&f, FIELD_MUST, m->port.iface);
	field_bool(&f, "jumboframe", FIELD_MAY, &m->port.jumboframe);
	return fields_close(&f);
}

int ctrl_parse_port_pair(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	struct port_spec *p = &m->other_port;

	field_name(&f, "vex_iface", FIELD_MUST, sizeof p->vex, p->vex);
	field_name(&f, "vin_iface", FIELD_MUST, sizeof p->vin, p->vin);
	field_mac(&f, "epmac",
		  m->kind == CTRL_ADD_PORT_PAIR ? FIELD_MUST : FIELD_MAY,
		  &p->epmac);
	field_bool(&f, "quar", FIELD_MAY, &p->quarantine);
	if (!f.rc && strcmp(p->vex, p->vin) == 0)
		fields_refuse(&f, "vin_iface", "is the same as vex_iface");
	return fields_close(&f);
}

int ctrl_parse_tap_port(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	struct port_spec *p = &m->other_port;

	field_netns(&f, p->netns);
	ctrl_field_iface(&f, FIELD_MUST, p->iface);
	field_mac(&f, "epmac",
		  m->kind == CTRL_ADD_TAP_PORT ? FIELD_MUST : FIELD_MAY,
		  &p->epmac);
	return fields_close(&f);
}

int ctrl_parse_nfq_port(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	bool add = m->kind == CTRL_ADD_NFQ_PORT;
	struct port_spec *p = &m->other_port;

	field_netns(&f, p->netns);
	ctrl_field_iface(&f, FIELD_MUST, p->iface);
	field_u16(&f, "qnum", add ? FIELD_MUST : FIELD_MAY, 0, UINT16_MAX,
		  &p->queue);
	field_mac(&f, "epmac", add ? FIELD_MUST : FIELD_MAY, &p->epmac);
	field_bool(&f, "jumboframe", FIELD_MAY, &p->jumboframe);
	return fields_close(&f);
}

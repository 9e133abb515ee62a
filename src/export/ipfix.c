/*
 * One template for each family. What both sides sent stands in one record, the
 * client's as the initiator's (elements 231, 232, 298, 299): those are the octets
 * of the payload and the packets, as the data plane counts them; octetTotalCount
 * and its reverse would be whole IP packets.
 */
#include "export/ipfix.h"

#include <errno.h>
#include <fixbuf/public.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE_V4 0x100
#define TEMPLATE_V6 0x101

/* firewallEvent, biflowDirection. */
#define FLOW_DELETED	 2
#define FLOW_DENIED	 3
#define BIFLOW_INITIATOR 1

/* No padding but what is named: libfixbuf reads it by its elements. */
struct flow_record {
	uint64_t start_ms, end_ms;
	uint64_t id;
	uint64_t client_octets, server_octets;
	uint64_t client_packets, server_packets;
	fbVarfield_t application;
	uint8_t source6[16], destination6[16];
	uint32_t source4, destination4;
	uint16_t source_port, destination_port;
	uint16_t tcp_flags;
	uint8_t proto, event, direction;
	uint8_t padding[7];
};
_Static_assert(sizeof(struct flow_record) == 56 + sizeof(fbVarfield_t) + 56,
	       "no other padding");

/* flags: 1 IPv4, 2 IPv6, 4 only within. */
static fbInfoElementSpec_t elements[] = {
	{ (char *)"flowStartMilliseconds", 8, 0 },
	{ (char *)"flowEndMilliseconds", 8, 0 },
	{ (char *)"flowId", 8, 0 },
	{ (char *)"initiatorOctets", 8, 0 },
	{ (char *)"responderOctets", 8, 0 },
	{ (char *)"initiatorPackets", 8, 0 },
	{ (char *)"responderPackets", 8, 0 },
	{ (char *)"applicationName", FB_IE_VARLEN, 0 },
	{ (char *)"sourceIPv6Address", 16, 2 },
	{ (char *)"destinationIPv6Address", 16, 2 },
	{ (char *)"sourceIPv4Address", 4, 1 },
	{ (char *)"destinationIPv4Address", 4, 1 },
	{ (char *)"sourceTransportPort", 2, 0 },
	{ (char *)"destinationTransportPort", 2, 0 },
	{ (char *)"tcpControlBits", 2, 0 },
	{ (char *)"protocolIdentifier", 1, 0 },
	{ (char *)"firewallEvent", 1, 0 },
	{ (char *)"biflowDirection", 1, 0 },
	{ (char *)"paddingOctets", 7, 4 },
	FB_IESPEC_NULL,
};

struct ipfix {
	fbInfoModel_t *model;
	fbExporter_t *exporter; /* the buffer's, once there is one */
	fBuf_t *buf;
	fbSession_t *session; /* likewise */
	uint16_t within;      /* template of struct flow_record */
	size_t max_bytes;
	uint32_t domain;
	uint8_t *message; /* max_bytes */
	bool any;	  /* something is in the message under way */
};

/* Takes e. */
static int refused(GError *e, struct err *reterr)
{
	int rc = err_set(reterr, EPROTO, NULL, "IPFIX: %s",
			 e ? e->message : "unknown");

	g_clear_error(&e);
	return rc;
}

/* The elements whose flag is one of those, or that have none. */
static fbTemplate_t *template_of(struct ipfix *x, uint32_t flags, GError **e)
{
	fbTemplate_t *t = fbTemplateAlloc(x->model);

	for (fbInfoElementSpec_t *s = elements; s->name; s++) {
		fbInfoElementSpec_t plain = *s;

		if (s->flags && !(s->flags & flags))
			continue;
		plain.flags = 0;
		if (!fbTemplateAppendSpec(t, &plain, 0, e)) {
			fbTemplateFreeUnused(t);
			return NULL;
		}
	}
	return t;
}

static bool add_template(struct ipfix *x, bool within, uint16_t id,
			 uint32_t flags, uint16_t *ret, GError **e)
{
	fbTemplate_t *t = template_of(x, flags, e);

	if (!t)
		return false;
	*ret = fbSessionAddTemplate(x->session, within, id, t, e);
	return *ret != 0;
}

static void drop_buffer(struct ipfix *x)
{
	if (x->buf)
		fBufFree(x->buf); /* and session and exporter with it */
	x->buf = NULL;
	x->session = NULL;
	x->exporter = NULL;
	x->any = false;
}

int ipfix_begin(struct ipfix *x, struct err *reterr)
{
	GError *e = NULL;
	uint16_t id = 0;

	drop_buffer(x);
	x->session = fbSessionAlloc(x->model);
	fbSessionSetDomain(x->session, x->domain);
	/* before there is a buffer: else each is exported at once, too */
	if (!add_template(x, true, FB_TID_AUTO, 7, &x->within, &e) ||
	    !add_template(x, false, TEMPLATE_V4, 1, &id, &e) ||
	    !add_template(x, false, TEMPLATE_V6, 2, &id, &e)) {
		fbSessionFree(x->session);
		x->session = NULL;
		return refused(e, reterr);
	}
	x->exporter = fbExporterAllocBuffer(x->message, (uint16_t)x->max_bytes);
	x->buf = fBufAllocForExport(x->session, x->exporter);
	return ipfix_templates(x, reterr);
}

/*
 * Templates begin a message of their own. In manual mode libfixbuf leaves that to
 * us and yet refuses them, also where none is begun.
 */
int ipfix_templates(struct ipfix *x, struct err *reterr)
{
	GError *e = NULL;
	bool ok;

	fBufSetAutomaticMode(x->buf, TRUE);
	ok = fbSessionExportTemplates(x->session, &e);
	fBufSetAutomaticMode(x->buf, FALSE);
	if (!ok)
		return refused(e, reterr);
	x->any = true;
	return 0;
}

struct ipfix *ipfix_new(uint32_t domain, size_t max_bytes, struct err *reterr)
{
	struct ipfix *x = calloc(1, sizeof *x);

	if (x)
		x->message = malloc(max_bytes);
	if (!x || !x->message) {
		free(x);
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	x->max_bytes = max_bytes;
	x->domain = domain;
	x->model = fbInfoModelAlloc();
	if (ipfix_begin(x, reterr) == 0)
		return x;
	ipfix_free(x);
	return NULL;
}

void ipfix_free(struct ipfix *x)
{
	if (!x)
		return;
	drop_buffer(x);
	if (x->model)
		fbInfoModelFree(x->model);
	free(x->message);
	free(x);
}

static struct flow_record record_of(const struct item_flow *f)
{
	struct flow_record r = {
		.start_ms = f->first_us / 1000,
		.end_ms = f->last_us / 1000,
		.id = f->id,
		.client_octets = f->client_bytes,
		.server_octets = f->server_bytes,
		.client_packets = f->client_packets,
		.server_packets = f->server_packets,
		.application = { strlen(f->application),
				 (uint8_t *)(uintptr_t)f->application },
		.source_port = f->client_port,
		.destination_port = f->server_port,
		.tcp_flags = f->tcp_flags,
		.proto = f->proto,
		.event = f->blocked ? FLOW_DENIED : FLOW_DELETED,
		.direction = BIFLOW_INITIATOR,
	};

	if (ip_is_v4(f->client)) {
		r.source4 = ip_to_v4(f->client);
		r.destination4 = ip_to_v4(f->server);
	} else {
		memcpy(r.source6, f->client.b, sizeof r.source6);
		memcpy(r.destination6, f->server.b, sizeof r.destination6);
	}
	return r;
}

int ipfix_add(struct ipfix *x, const struct item *i, bool *ret_added,
	      struct err *reterr)
{
	uint16_t id = ip_is_v4(i->flow.client) ? TEMPLATE_V4 : TEMPLATE_V6;
	struct flow_record r;
	GError *e = NULL;

	*ret_added = true;
	if (!i->has_flow)
		return 0;
	r = record_of(&i->flow);
	if (fBufSetInternalTemplate(x->buf, x->within, &e) &&
	    fBufSetExportTemplate(x->buf, id, &e) &&
	    fBufAppend(x->buf, (uint8_t *)&r, sizeof r, &e)) {
		x->any = true;
		return 0;
	}
	if (g_error_matches(e, FB_ERROR_DOMAIN, FB_ERROR_EOM)) {
		g_clear_error(&e);
		*ret_added = false;
		return 0;
	}
	return refused(e, reterr);
}

int ipfix_message(struct ipfix *x, const uint8_t **ret, size_t *ret_len,
		  struct err *reterr)
{
	GError *e = NULL;

	*ret_len = 0;
	if (!x->any)
		return 0;
	if (!fBufEmit(x->buf, &e))
		return refused(e, reterr);
	*ret = x->message;
	*ret_len = fbExporterGetMsgLen(x->exporter);
	x->any = false;
	return 0;
}

/*
 * Numbers that the processes say to each other; all are NeuVector's (reference
 * 5.1, 1.9, 2.4, Appendix A) and never change.
 */
#pragma once

#include <stdint.h>

enum policy_action {
	POLICY_OPEN = 0,  /* allow */
	POLICY_LEARN = 1, /* allow; a rule may be learned from it */
	POLICY_ALLOW = 2,
	POLICY_CHECK_VH = 3,  /* allow until the virtual host is known */
	POLICY_CHECK_NBE = 4, /* namespace boundary */
	POLICY_CHECK_APP = 5, /* allow until the application is known */
	POLICY_VIOLATE = 6,   /* allow, and tell */
	POLICY_DENY = 7,      /* do not forward, and tell */
	POLICY_ACTION__MAX
};

/* "open", "learn", "allow", ...; "?" outside the enum. */
const char *policy_action_name(uint8_t action);
/* POLICY_ACTION__MAX: no such name. */
uint8_t policy_action_by_name(const char *name);

/* "tcp", "icmpv6", ...; else the number as text, in buf. */
#define PROTO_TEXT_MAX 4
const char *proto_name(uint8_t proto, char buf[static PROTO_TEXT_MAX]);
/* The same back, in any case; "any" is 0. -EINVAL: no name or number 0..255. */
int proto_by_text(const char *text, uint8_t *ret);

/* "info" for 1 to "critical" for 5; "" for another. */
const char *severity_name(uint8_t severity);
/* "signature", "dlp", "waf" of enum finding_kind; "?" outside the enum. */
const char *finding_kind_name(uint8_t kind);
/* "allow", "drop", ... of enum dpi_action; "?" outside the enum. */
const char *dpi_action_name(uint8_t action);

/* Application ids of a connection and of a rule's `apps` (reference 2.4). */
#define POLICY_APP_UNKNOWN_YET	0 /* connection: may still be found out */
#define POLICY_APP_ANY		0 /* rule: whatever it turns out to be */
#define POLICY_APP_UNIDENTIFIED UINT32_MAX /* it could not be found out */

/* Direction in which internal traffic is enforced (ctrl_cfg_policy.dir). */
#define POLICY_DIR_EGRESS  1
#define POLICY_DIR_INGRESS 2

/* ctrl_cfg_policy.cmd */
enum policy_cmd { POLICY_CMD_ADD = 1, POLICY_CMD_MODIFY, POLICY_CMD_DELETE };

/* Chunk flags. */
#define MSG_CHUNK_START 1
#define MSG_CHUNK_END	2

/* ctrl_cfg_dlp: what a matching signature does. */
#define DLP_ACTION_ALLOW 1 /* tell only */
#define DLP_ACTION_DROP	 2
/* Ids of signatures: users', predefined, then WAF's; others are refused. */
#define DLP_ID_MIN	20000
#define DLP_ID_WAF	40000
#define DLP_ID_MAX	49999
#define APP_ID_PRODUCTS 2001 /* below: a base protocol (reference 6.1) */

/* Session flags, reference 1.9. */
#define SESSION_INGRESS	   0x0001
#define SESSION_TAP	   0x0002
#define SESSION_MIDSTREAM  0x0004
#define SESSION_EXTERNAL   0x0008
#define SESSION_XFF	   0x0010
#define SESSION_SVC_EXTIP  0x0020
#define SESSION_MESH	   0x0040
#define SESSION_LINK_LOCAL 0x0080
#define SESSION_TMP_OPEN   0x0100
#define SESSION_UNMANAGED  0x0200
#define SESSION_NBE_CHECK  0x0400 /* across a namespace's bounds */
#define SESSION_NBE_SAME   0x0800 /* within the same namespace */

/* Special addresses, ctrl_cfg_specip_net.iptype. */
enum ip_type {
	IP_TYPE_NONE,
	IP_TYPE_TUNNEL,
	IP_TYPE_SVC,
	IP_TYPE_HOST,
	IP_TYPE_DEV,
	IP_TYPE_UWL,
	IP_TYPE_EXT,
	IP_TYPE__MAX
};

/* "tunnelip", ...; IP_TYPE_NONE for any other word (reference 2.4). */
enum ip_type ip_type_by_name(const char *name);
/* "" for IP_TYPE_NONE. Static storage. */
const char *ip_type_name(enum ip_type t);

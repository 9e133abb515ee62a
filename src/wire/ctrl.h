/*
 * Control messages: JSON text to checked structs.
 *
 * A message is {"NAME": {fields}}. ctrl_parse() checks every field of a body
 * and gives back a struct that needs no further checks of form, or an error
 * that says which field and what was expected. Nothing is half-applied: a
 * message is parsed whole before anybody acts on it.
 *
 * The two doors differ in one thing here: a field nobody knows is an error on
 * our own door (strict), and ignored on the compatible one, whose sender may
 * be a later NeuVector.
 */
#pragma once

#include <jansson.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "wire/words.h"

/*
 * X(NAME, "name", own) - own: 1 when only our own door knows it. The order is
 * the order of dp/handlers.c's table.
 */
#define CTRL_MESSAGES(X)                                    \
	X(KEEP_ALIVE, "ctrl_keep_alive", 0)                 \
	X(SET_DEBUG, "ctrl_set_debug", 0)                   \
	X(ADD_SRVC_PORT, "ctrl_add_srvc_port", 0)           \
	X(DEL_SRVC_PORT, "ctrl_del_srvc_port", 0)           \
	X(ADD_MAC, "ctrl_add_mac", 0)                       \
	X(DEL_MAC, "ctrl_del_mac", 0)                       \
	X(CFG_MAC, "ctrl_cfg_mac", 0)                       \
	X(CFG_INTERNAL_NET, "ctrl_cfg_internal_net", 0)     \
	X(CFG_SPECIP_NET, "ctrl_cfg_specip_net", 0)         \
	X(CFG_POLICY, "ctrl_cfg_policy", 0)                 \
	X(CFG_POLICY_ADDR, "ctrl_cfg_policy_addr", 0)       \
	X(ENABLE_ICMP_POLICY, "ctrl_enable_icmp_policy", 0) \
	X(LIST_SESSION, "ctrl_list_session", 0)             \
	X(COUNT_SESSION, "ctrl_count_session", 0)           \
	X(CLEAR_SESSION, "ctrl_clear_session", 0)           \
	X(WEIR_VERSION, "weir_version", 1)                  \
	X(WEIR_STATS, "weir_stats", 1)                      \
	X(WEIR_BLOCKS, "weir_blocks", 1)                    \
	X(WEIR_CONFIG, "weir_config", 1)

enum ctrl_kind {
#define X(name, text, own) CTRL_##name,
	CTRL_MESSAGES(X)
#undef X
		CTRL__MAX
};

struct subnet {
	struct ip_addr net;  /* already masked */
	uint8_t prefix_bits; /* 0..128, of the 128-bit form */
	uint8_t type;	     /* enum ip_type */
};

struct app_port {
	uint8_t proto;
	uint16_t port;
	uint32_t app, server;
};

struct rule_app {
	uint32_t app;
	uint8_t action;
	uint32_t rule_id;
};

/* One rule as it was sent, defaults filled in. */
struct rule_spec {
	uint32_t id;
	struct ip_addr sip, sipr, dip, dipr; /* ranges, inclusive */
	uint16_t port, portr;
	uint8_t proto;	/* 0: TCP, UDP (and ICMP when that is enforced) */
	uint8_t action; /* enum policy_action */
	bool ingress;	/* the workload is the server */
	bool reject;	/* of ours: a denial is answered */
	bool vhost;
	char *fqdn; /* NULL, or owned */
	struct rule_app *apps;
	size_t n_apps;
};

struct ctrl_msg {
	enum ctrl_kind kind;
	union {
		uint32_t seq_num;    /* KEEP_ALIVE */
		uint32_t categories; /* SET_DEBUG: bit i = LOG_CAT i */
		bool on;	     /* ENABLE_ICMP_POLICY */
		struct {
			char iface[IFNAMSIZ];
			bool jumboframe; /* no meaning here: always whole */
		} port;			 /* ADD_SRVC_PORT, DEL_SRVC_PORT */
		struct {
			struct mac mac, ucmac, bcmac, oldmac, pmac; /* 0: "" */
			struct ip_addr *pips;
			size_t n_pips;
		} add_mac;
		struct mac del_mac;
		struct {
			struct mac *macs;
			size_t n_macs;
			bool has_tap, tap;
			bool has_apps;
			struct app_port *apps;
			size_t n_apps;
		} cfg_mac;
		struct {
			unsigned flag; /* MSG_CHUNK_* */
			struct subnet *nets;
			size_t n;
		} subnets; /* CFG_INTERNAL_NET, _SPECIP_NET, _POLICY_ADDR */
		struct {
			enum policy_cmd cmd;
			unsigned flag;
			uint8_t defact; /* enum policy_action */
			uint8_t dir;	/* POLICY_DIR_* */
			bool ipv6;	/* of ours: IPv6 is judged, too */
			bool reject; /* of ours: default denial is answered */
			struct mac *macs;
			size_t n_macs;
			struct rule_spec *rules;
			size_t n_rules;
		} policy;
		struct {
			uint32_t after; /* cursor of the last answer; 0 first */
			uint32_t limit; /* 1..FLOWS_PER_QUESTION */
		} list;			/* LIST_SESSION */
		uint32_t filter_id;	/* CLEAR_SESSION */
	};
};

/* -1: no such message. */
int ctrl_kind_by_name(const char *name);
const char *ctrl_name(enum ctrl_kind kind);
/* May this one come through the compatible door? */
bool ctrl_is_compat(enum ctrl_kind kind);

/*
 * Checks the body of a message of that kind. 0 and *ret, to be ended with
 * ctrl_msg_done(); or -EINVAL, -E2BIG, -ENOMEM with *reterr and *ret untouched.
 */
int ctrl_parse(enum ctrl_kind kind, const json_t *body, bool strict,
	       struct ctrl_msg *ret, struct err *reterr);
void ctrl_msg_done(struct ctrl_msg *msg);
/* Frees what a rule owns. */
void rule_spec_done(struct rule_spec *r);

/*
 * Text to JSON: exactly one value, no duplicate keys. NULL and *reterr
 * (EINVAL, with line and column) if it is not. The caller owns the result.
 */
json_t *ctrl_load(const char *text, size_t len, struct err *reterr);

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
#include "base/limits.h"
#include "base/limits_kill.h"
#include "wire/request.h"
#include "wire/sensing.h"
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
	X(ADD_PORT_PAIR, "ctrl_add_port_pair", 0)           \
	X(DEL_PORT_PAIR, "ctrl_del_port_pair", 0)           \
	X(ADD_TAP_PORT, "ctrl_add_tap_port", 0)             \
	X(DEL_TAP_PORT, "ctrl_del_tap_port", 0)             \
	X(ADD_NFQ_PORT, "ctrl_add_nfq_port", 0)             \
	X(DEL_NFQ_PORT, "ctrl_del_nfq_port", 0)             \
	X(ADD_MAC, "ctrl_add_mac", 0)                       \
	X(DEL_MAC, "ctrl_del_mac", 0)                       \
	X(CFG_MAC, "ctrl_cfg_mac", 0)                       \
	X(CFG_NBE, "ctrl_cfg_nbe", 0)                       \
	X(REFRESH_APP, "ctrl_refresh_app", 0)               \
	X(CFG_INTERNAL_NET, "ctrl_cfg_internal_net", 0)     \
	X(CFG_SPECIP_NET, "ctrl_cfg_specip_net", 0)         \
	X(CFG_POLICY, "ctrl_cfg_policy", 0)                 \
	X(CFG_POLICY_ADDR, "ctrl_cfg_policy_addr", 0)       \
	X(CFG_SET_FQDN, "ctrl_cfg_set_fqdn", 0)             \
	X(CFG_DEL_FQDN, "ctrl_cfg_del_fqdn", 0)             \
	X(CFG_DLP, "ctrl_cfg_dlp", 0)                       \
	X(CFG_DLPMAC, "ctrl_cfg_dlpmac", 0)                 \
	X(BLD_DLP, "ctrl_bld_dlp", 0)                       \
	X(BLD_DLPMAC, "ctrl_bld_dlpmac", 0)                 \
	X(SYS_CONF, "ctrl_sys_conf", 0)                     \
	X(DISABLE_NET_POLICY, "ctrl_disable_net_policy", 0) \
	X(DETECT_UNMANAGED, "ctrl_detect_unmanaged_wl", 0)  \
	X(STRICT_GROUP_MODE, "ctrl_strict_group_mode", 0)   \
	X(ENABLE_ICMP_POLICY, "ctrl_enable_icmp_policy", 0) \
	X(LIST_SESSION, "ctrl_list_session", 0)             \
	X(COUNT_SESSION, "ctrl_count_session", 0)           \
	X(CLEAR_SESSION, "ctrl_clear_session", 0)           \
	X(LIST_METER, "ctrl_list_meter", 0)                 \
	X(STATS_MACS, "ctrl_stats_macs", 0)                 \
	X(STATS_DEVICE, "ctrl_stats_device", 0)             \
	X(COUNTER_DEVICE, "ctrl_counter_device", 0)         \
	X(WEIR_VERSION, "weir_version", 1)                  \
	X(WEIR_STATS, "weir_stats", 1)                      \
	X(WEIR_BLOCKS, "weir_blocks", 1)                    \
	X(WEIR_CONFIG, "weir_config", 1)                    \
	X(WEIR_SETS, "weir_sets", 1)                        \
	X(WEIR_POLICY, "weir_policy", 1)                    \
	X(WEIR_EXPLAIN, "weir_explain", 1)                  \
	X(WEIR_SETTINGS, "weir_settings", 1)                \
	X(WEIR_CONNECTIONS, "weir_connections", 1)          \
	X(WEIR_THREATS, "weir_threats", 1)                  \
	X(WEIR_FINDINGS, "weir_findings", 1)                \
	X(WEIR_TRAIL, "weir_trail", 1)                      \
	X(WEIR_TRAFFIC, "weir_traffic", 1)                  \
	X(WEIR_CAPTURE, "weir_capture", 1)                  \
	X(WEIR_RULES, "weir_rules", 1)                      \
	X(WEIR_DETECTION, "weir_detection", 1)              \
	X(WEIR_KILL, "weir_kill", 1)                        \
	X(WEIR_HAND_OVER, "weir_hand_over", 1)

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

/* How a rule of ours names an address, at one end. */
enum addr_kind {
	ADDR_RANGE,    /* "10.0.0.5", "10.0.0.0/8", "10.0.0.5-10.0.0.9" */
	ADDR_ANY,      /* every address of both families */
	ADDR_EXTERNAL, /* no internal address (ctrl_cfg_internal_net) */
	ADDR_INTERNAL,
	ADDR_SET,  /* "set:NAME", see weir_sets */
	ADDR_NAME, /* "fqdn:www.example.com", "fqdn:*.example.com" */
};

struct addr_word {
	uint8_t kind;		    /* enum addr_kind */
	struct ip_addr first, last; /* ADDR_RANGE; of one family */
	char *name; /* ADDR_SET, ADDR_NAME (in lower case); owned */
};

struct port_range {
	uint16_t first, last;
};

/* A rule of ours: every combination of these. */
struct rule_lists {
	struct addr_word *from, *to; /* client, server */
	size_t n_from, n_to;	     /* 1..RULE_WORDS_MAX */
	struct port_range *ports;
	size_t n_ports; /* 1..RULE_WORDS_MAX */
};

/* Addresses under a name, for "set:NAME" in rules. */
struct addr_set_spec {
	char *name;		  /* owned */
	struct addr_word *ranges; /* ADDR_RANGE; owned */
	size_t n_ranges;
};

/* What was said is the same if this is; all 0: not known. */
struct rules_hash {
	uint64_t low, high;
};

/* One policy of a weir_policy, and whose it is. */
struct whole_policy {
	struct mac *macs;
	size_t n_macs;
	struct rule_spec *rules; /* of ours; NULL: taken, n_rules stays */
	size_t n_rules;
	uint8_t defact; /* enum policy_action */
	bool reject;	/* a default denial is answered */
	bool ipv6;	/* is judged, too */
	struct rules_hash hash;
};

/* All policies and all sets. */
struct whole_spec {
	uint64_t version; /* 1..POLICY_VERSION_MAX, the agent's */
	bool force;	  /* also a version that is lower */
	struct addr_set_spec *sets;
	size_t n_sets;
	struct whole_policy *policies;
	size_t n_policies;
	bool has_internal; /* none: nothing is internal */
	struct subnet *internal;
	size_t n_internal;
};

/* A connection that somebody asks about. */
struct explain_spec {
	struct ip_addr from, to; /* of one family */
	uint16_t port;
	uint8_t proto;
	uint32_t app;	   /* POLICY_APP_* */
	bool has_workload; /* only that one */
	struct mac workload;
	/* Who is known to be at these ends; zero: to be found by the address. */
	struct mac from_workload, to_workload;
	char vhost[FQDN_TEXT_MAX]; /* "": not known */
	json_t *asked;		   /* what request borrows from; NULL: it is */
	struct request request;	   /* not known; owned, a reference */
};

/* A file of signatures' rules, as it was read. */
struct rules_text {
	char *name, *text; /* owned */
};
struct rules_variable {
	char *name, *value; /* owned */
};
/* The signatures of all workloads. */
struct rules_message {
	bool ask; /* nothing is changed; the rest is not filled in */
	bool force;
	uint64_t version; /* 1..POLICY_VERSION_MAX */
	struct rules_text *files;
	size_t n_files;
	struct rules_variable *variables;
	size_t n_variables;
};

/* What some workloads' traffic is looked through for. */
struct workload_sensing {
	struct mac *macs;
	size_t n_macs;
	struct sensor_use *uses; /* in any order */
	size_t n_uses;
	uint8_t signatures; /* enum signatures_mode */
};
/* All sensors, and who has which. */
struct detection_message {
	bool ask; /* as above */
	bool force;
	uint64_t version;
	json_t *sensors; /* an array (detect/sensor.h); owned, a reference */
	struct workload_sensing *workloads;
	size_t n_workloads;
};

/* Whose frames are to be captured. */
struct capture_spec {
	struct mac workload;
	uint32_t snaplen; /* 0: whole frames */
};

/* A page of what was told. */
struct told_spec {
	uint64_t epoch; /* whose number that is; 0: this run's */
	uint64_t after; /* number of the last record that is known; 0 first */
	uint32_t limit; /* 0: as many as fit */
	bool packets;	/* the kept packets, too */
	bool raw;	/* bytes that are not masked, too */
};

/*
 * One rule as it was sent, defaults filled in. With lists (a rule of ours)
 * sip..dipr and port, portr mean nothing.
 */
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
	struct rule_lists *lists;      /* NULL: the reference's form; owned */
	struct request_spec *requests; /* of ours; NULL: any; owned */
};

/* A port of a kind other than the service port. */
struct port_spec {
	char vex[PORT_NAME_MAX], vin[PORT_NAME_MAX]; /* pair */
	char netns[NETNS_PATH_MAX];		     /* tap, nfq */
	char iface[IFNAMSIZ];			     /* tap, nfq */
	struct mac epmac;			     /* 0: "" */
	uint16_t queue;				     /* nfq */
	bool quarantine, jumboframe;
};

/* A DLP or WAF signature of an endpoint, and what to do about it. */
struct dlp_use {
	uint32_t id;
	uint8_t action; /* DLP_ACTION_* */
};

/* Where a pattern looks. */
enum dlp_context {
	DLP_CONTEXT_PACKET,
	DLP_CONTEXT_URL,
	DLP_CONTEXT_HEADER,
	DLP_CONTEXT_BODY,
	DLP_CONTEXT_SQL_QUERY,
	DLP_CONTEXT__MAX
};

struct dlp_rule {
	uint32_t id;
	char *name;	 /* owned */
	char **patterns; /* as they were sent; owned, each of them, too */
	size_t n_patterns;
};

/* A pattern taken apart; points into its text. */
struct dlp_pattern {
	const char *regex;
	size_t regex_len;
	const char *flags; /* of "imsxAEG" */
	size_t flags_len;
	bool negated;
	enum dlp_context context;
};

struct ctrl_msg {
	enum ctrl_kind kind;
	union {
		uint32_t seq_num;    /* KEEP_ALIVE */
		uint32_t categories; /* SET_DEBUG: bit i = LOG_CAT i */
		bool on;	     /* the switches, SYS_CONF and others */
		struct {
			char iface[IFNAMSIZ];
			bool jumboframe;     /* no meaning here: always whole */
		} port;			     /* ADD_SRVC_PORT, DEL_SRVC_PORT */
		struct port_spec other_port; /* PAIR, TAP, NFQ */
		struct {
			struct mac mac, ucmac, bcmac, oldmac, pmac; /* 0: "" */
			struct ip_addr *pips;
			size_t n_pips;
			bool has_index; /* which one it is to be */
			uint16_t index; /* 0..ENDPOINTS_MAX - 1 */
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
			struct mac *macs;
			size_t n_macs;
			bool has_nbe, nbe;
		} cfg_nbe;
		struct {
			struct mac *macs;
			size_t n;
		} macs; /* STATS_MACS, CFG_DLPMAC */
		struct {
			char *name; /* lower case; owned */
			struct ip_addr *ips;
			size_t n_ips;
			bool vhost;
		} set_fqdn;
		struct {
			char **names; /* lower case; owned, each, too */
			size_t n;
		} del_fqdn;
		struct {
			unsigned flag; /* MSG_CHUNK_* */
			struct mac *macs;
			size_t n_macs;
			struct dlp_use *dlp, *waf;
			size_t n_dlp, n_waf;
			uint32_t *rule_ids, *waf_rule_ids;
			size_t n_rule_ids, n_waf_rule_ids;
			bool inside, waf_inside;
		} cfg_dlp;
		struct {
			unsigned flag;
			uint8_t dir; /* POLICY_DIR_* */
			struct mac *macs, *delmacs;
			size_t n_macs, n_delmacs;
			struct dlp_rule *rules;
			size_t n_rules;
		} bld_dlp;
		struct {
			struct mac *oldmacs, *addmacs, *delmacs;
			size_t n_oldmacs, n_addmacs, n_delmacs;
		} bld_dlpmac;
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
		struct {
			uint32_t ids[SESSIONS_KILL_MAX];
			size_t n;
		} kill; /* WEIR_KILL */
		struct {
			uint32_t protocol, workers, flows;
		} hand_over; /* WEIR_HAND_OVER */
		struct {
			struct addr_set_spec *sets;
			size_t n;
		} sets;			     /* WEIR_SETS */
		struct whole_spec whole;     /* WEIR_POLICY */
		struct explain_spec explain; /* WEIR_EXPLAIN */
		/*
		 * WEIR_SETTINGS: an object; owned, a reference. What may be in
		 * it is for those to say whose settings they are, and checked
		 * by dp/settings.h.
		 */
		json_t *settings;
		struct told_spec
			told; /* WEIR_CONNECTIONS, _THREATS, _FINDINGS, _TRAIL */
		struct capture_spec capture;	    /* WEIR_CAPTURE */
		struct rules_message rules;	    /* WEIR_RULES */
		struct detection_message detection; /* WEIR_DETECTION */
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
void dlp_rule_done(struct dlp_rule *r);
void addr_set_spec_done(struct addr_set_spec *s);

/*
 * Takes a pattern apart: `[!]/regex/flags` or `[!]mDregexDflags`, then
 * optionally `; context WHERE`. The last delimiter that leaves a right end
 * closes the regex, so it may contain `;` and the delimiter. false: it is none.
 */
bool dlp_pattern_parse(const char *text, struct dlp_pattern *ret);
/* "packet", "url", ...; static storage. */
const char *dlp_context_name(enum dlp_context c);

/*
 * Text to JSON: exactly one value, no duplicate keys. NULL and *reterr
 * (EINVAL, with line and column) if it is not. The caller owns the result.
 */
json_t *ctrl_load(const char *text, size_t len, struct err *reterr);

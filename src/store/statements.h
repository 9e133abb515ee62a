/*
 * All that is asked of weir.db, but its tables (schema.c): a name each, and the
 * words. Numbers of parameters are the order in which the callers bind them.
 */
#pragma once

/*
 * Of a flow, in the order of flows_ask.c: what it is asked for by, and what is
 * shown of it.
 */
#define FLOW_COLUMNS                                                        \
	"SELECT id, last_s, violations, rule, client, server, name, port, " \
	"proto, app, client_addr, server_addr, action, ingress, sessions, " \
	"bytes, packets, first_s FROM flow"
/*
 * ?1 < id < ?2, in the order of an index: oldest first, or what is last first
 * (DESC). Which of them are wanted is looked at row by row.
 */
#define FLOW_WITHIN " id > ?1 AND id < ?2"
#define FLOW_ALL_ROWS(order) \
	FLOW_COLUMNS " WHERE" FLOW_WITHIN " ORDER BY id" order
#define FLOW_BAD_ROWS(order)                                            \
	FLOW_COLUMNS " INDEXED BY flow_violation WHERE violations > 0 " \
		     "AND" FLOW_WITHIN " ORDER BY id" order
#define FLOW_LEARN_ROWS(order)                                                 \
	FLOW_COLUMNS " INDEXED BY flow_learn WHERE action = 1 AND" FLOW_WITHIN \
		     " ORDER BY id" order
#define FLOW_RULE_ROWS(order)                                              \
	FLOW_COLUMNS " INDEXED BY flow_rule WHERE rule = ?3 AND rule > 0 " \
		     "AND" FLOW_WITHIN " ORDER BY id" order
#define FLOW_OF_ROWS(order)                                         \
	FLOW_COLUMNS                                                \
	" INDEXED BY flow_client WHERE client = ?3 AND client > 0 " \
	"AND" FLOW_WITHIN " UNION ALL " FLOW_COLUMNS                \
	" INDEXED BY flow_server WHERE server = ?3 AND server > 0"  \
	" AND client <> ?3 AND" FLOW_WITHIN " ORDER BY id" order
/* The same of events: ?1 < number < ?2. */
#define EVENT_COLUMNS "SELECT number, at_s, kind, rule, body FROM event"
#define EVENT_ROWS(from, order)                           \
	EVENT_COLUMNS from " number > ?1 AND number < ?2" \
			   " ORDER BY number" order
#define EVENT_BY_KIND " INDEXED BY event_kind WHERE kind = ?3 AND"
#define EVENT_BY_RULE " INDEXED BY event_rule WHERE rule = ?3 AND rule > 0 AND"
#define EVENT_BY_WHOM \
	" INDEXED BY event_workload WHERE workload = ?3 AND workload > 0 AND"

#define STATEMENTS(X)                                                          \
	X(DOC_LAST, "SELECT revision, bytes IS NULL, saved_s FROM document"    \
		    " WHERE name = ?1 ORDER BY revision DESC LIMIT 1")         \
	X(DOC_BODY, "SELECT body FROM document"                                \
		    " WHERE name = ?1 AND revision = ?2")                      \
	X(DOC_PUT, "INSERT INTO document VALUES (?1, ?2, ?3, ?4, ?5)")         \
	X(DOC_FORGET,                                                          \
	  "DELETE FROM document WHERE name = ?1 AND revision <="               \
	  " (SELECT max(revision) FROM (SELECT revision,"                      \
	  "  count(*) OVER newer AS n, sum(bytes) OVER newer AS total"         \
	  "  FROM document WHERE name = ?1"                                    \
	  "  WINDOW newer AS (ORDER BY revision DESC))"                        \
	  " WHERE n > 1 AND (n > ?2 OR total > ?3))")                          \
	X(DOC_LIST, "SELECT name, max(revision), saved_s, bytes FROM document" \
		    " GROUP BY name ORDER BY name")                            \
	X(DOC_HISTORY, "SELECT name, revision, saved_s, bytes, about"          \
		       " FROM document LEFT JOIN about USING (name, revision)" \
		       " WHERE name = ?1 ORDER BY revision")                   \
	X(ABOUT, "SELECT about FROM about WHERE name = ?1 AND revision = ?2")  \
	X(ABOUT_PUT, "INSERT OR REPLACE INTO about VALUES (?1, ?2, ?3)")       \
	X(ABOUT_FORGET,                                                        \
	  "DELETE FROM about WHERE name = ?1 AND revision <"                   \
	  " (SELECT min(revision) FROM document WHERE name = ?1)")             \
	X(WORKLOAD_PUT,                                                        \
	  "INSERT INTO workload (id, seen_s, about) VALUES (?1, ?2, ?3)"       \
	  " ON CONFLICT (id) DO UPDATE"                                        \
	  " SET seen_s = excluded.seen_s, about = excluded.about")             \
	X(WORKLOAD_WID, "SELECT wid FROM workload WHERE id = ?1")              \
	X(WORKLOAD_NEW, "INSERT INTO workload (id, seen_s) VALUES (?1, ?2)")   \
	X(WORKLOAD_WHO, "SELECT id, about FROM workload WHERE wid = ?1")       \
	X(FLOW_LAST, "SELECT max(id) FROM flow WHERE id < ?1")                 \
	X(FLOW_ADD,                                                            \
	  "INSERT INTO flow VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"  \
	  " ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"                      \
	  " ON CONFLICT (day, client, server, port, client_addr, server_addr," \
	  "  proto, app, action, rule, ingress, name) DO UPDATE SET"           \
	  " sessions = min(sessions + excluded.sessions, 4294967295),"         \
	  " violations = min(violations + excluded.violations, 4294967295),"   \
	  " bytes = min(bytes + excluded.bytes, 1 << 62),"                     \
	  " packets = min(packets + excluded.packets, 1 << 62),"               \
	  " first_s = min(first_s, excluded.first_s),"                         \
	  " last_s = max(last_s, excluded.last_s)")                            \
	X(FLOW_ALL, FLOW_ALL_ROWS(""))                                         \
	X(FLOW_BAD, FLOW_BAD_ROWS(""))                                         \
	X(FLOW_RULE, FLOW_RULE_ROWS(""))                                       \
	X(FLOW_LEARN, FLOW_LEARN_ROWS(""))                                     \
	X(FLOW_OF, FLOW_OF_ROWS(""))                                           \
	X(FLOW_ALL_NEWEST, FLOW_ALL_ROWS(" DESC"))                             \
	X(FLOW_BAD_NEWEST, FLOW_BAD_ROWS(" DESC"))                             \
	X(FLOW_RULE_NEWEST, FLOW_RULE_ROWS(" DESC"))                           \
	X(FLOW_LEARN_NEWEST, FLOW_LEARN_ROWS(" DESC"))                         \
	X(FLOW_OF_NEWEST, FLOW_OF_ROWS(" DESC"))                               \
	X(FLOW_ONE, FLOW_COLUMNS " WHERE id = ?1")                             \
	X(EVENT_ADD, "INSERT INTO event (at_s, kind, workload, body, rule)"    \
		     " VALUES (?1, ?2, ?3, ?4, ?5)")                           \
	X(EVENT_FIRST, "SELECT min(number) FROM event WHERE at_s >= ?1")       \
	X(EVENT_LAST, "SELECT seq FROM sqlite_sequence WHERE name = 'event'")  \
	X(EVENT_ALL, EVENT_ROWS(" WHERE", ""))                                 \
	X(EVENT_KIND, EVENT_ROWS(EVENT_BY_KIND, ""))                           \
	X(EVENT_RULE, EVENT_ROWS(EVENT_BY_RULE, ""))                           \
	X(EVENT_OF, EVENT_ROWS(EVENT_BY_WHOM, ""))                             \
	X(EVENT_ALL_NEWEST, EVENT_ROWS(" WHERE", " DESC"))                     \
	X(EVENT_KIND_NEWEST, EVENT_ROWS(EVENT_BY_KIND, " DESC"))               \
	X(EVENT_RULE_NEWEST, EVENT_ROWS(EVENT_BY_RULE, " DESC"))               \
	X(EVENT_OF_NEWEST, EVENT_ROWS(EVENT_BY_WHOM, " DESC"))                 \
	X(EVENT_ONE, EVENT_COLUMNS " WHERE number = ?1")                       \
	X(MAP_PUT, "INSERT OR REPLACE INTO map VALUES (?1, ?2)")               \
	X(MAP_NEXT, "SELECT min(id) FROM map WHERE id > ?1 AND id <= ?2")      \
	X(MAP_EACH, "SELECT id, edges FROM map WHERE id > ?1 AND id <= ?2"     \
		    " ORDER BY id")                                            \
	X(MAP_FORGET, "DELETE FROM map WHERE id >= ?1 AND id <= ?2")           \
	X(MAP_OLDEST, "DELETE FROM map WHERE id ="                             \
		      " (SELECT id FROM map ORDER BY id & 281474976710655"     \
		      "  LIMIT 1)")                                            \
	X(FLOW_FIRST, "SELECT min(id) FROM flow")                              \
	X(TRIM_FLOWS, "DELETE FROM flow WHERE id IN"                           \
		      " (SELECT id FROM flow WHERE id < ?1"                    \
		      "  ORDER BY id LIMIT ?2)")                               \
	X(TRIM_EVENTS, "DELETE FROM event WHERE number IN"                     \
		       " (SELECT number FROM event WHERE at_s < ?1"            \
		       "  ORDER BY at_s LIMIT ?2)")                            \
	X(TRIM_OLDEST, "SELECT (SELECT last_s FROM flow ORDER BY id LIMIT 1)," \
		       " (SELECT min(at_s) FROM event)")                       \
	X(TRIM_LOOK, "SELECT max(wid) FROM (SELECT wid FROM workload"          \
		     " WHERE wid > ?1 ORDER BY wid LIMIT ?2)")                 \
	X(TRIM_WORKLOADS, "DELETE FROM workload WHERE wid > ?1 AND wid <= ?2"  \
			  " AND seen_s < ?3"                                   \
			  " AND NOT EXISTS (SELECT 1 FROM flow"                \
			  "  WHERE client = wid AND client > 0)"               \
			  " AND NOT EXISTS (SELECT 1 FROM flow"                \
			  "  WHERE server = wid AND server > 0)"               \
			  " AND NOT EXISTS (SELECT 1 FROM event"               \
			  "  WHERE workload = wid AND workload > 0)")          \
	X(PAGES, "PRAGMA page_count")                                          \
	X(FREE_PAGES, "PRAGMA freelist_count")                                 \
	X(COUNT_FLOWS, "SELECT count(*) FROM flow")                            \
	X(COUNT_EVENTS, "SELECT count(*) FROM event")                          \
	X(COUNT_WORKLOADS, "SELECT count(*) FROM workload")                    \
	X(COUNT_DOCS, "SELECT count(*) FROM document")

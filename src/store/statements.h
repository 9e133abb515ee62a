/*
 * All that is asked of weir.db, but its tables (schema.c): a name each, and the
 * words. Numbers of parameters are the order in which the callers bind them.
 */
#pragma once

/* What is shown of a flow: the columns of flow_row() in flows.c. */
#define FLOW_COLUMNS                                                       \
	" f.id, c.id, s.id, f.client_addr, f.server_addr, f.name, f.port," \
	" f.proto, f.app, f.action, f.rule, f.ingress, f.sessions,"        \
	" f.violations, f.bytes, f.packets, f.first_s, f.last_s,"          \
	" f.client, f.server "
#define FLOW_WHO                                    \
	" LEFT JOIN workload c ON c.wid = f.client" \
	" LEFT JOIN workload s ON s.wid = f.server" \
	" ORDER BY f.id"
/* ?1 < id < ?2, seen between ?3 and ?4; the + keeps the indexes away. */
#define FLOW_WITHIN  " id > ?1 AND id < ?2 AND +last_s BETWEEN ?3 AND ?4 "
#define EVENT_RANGE  " number > ?1 AND +at_s BETWEEN ?2 AND ?3 ORDER BY number"
#define EVENT_WITHIN EVENT_RANGE " LIMIT ?4"
/* The last ones, in the same order. */
#define EVENT_NEWEST(from)                                               \
	"SELECT * FROM (SELECT number, body FROM event" from EVENT_RANGE \
	" DESC LIMIT ?4) ORDER BY number"
/* Which flows are told; oldest first, or what is last of them (DESC). */
#define FLOW_PAGE(order)                                                   \
	"SELECT" FLOW_COLUMNS "FROM (SELECT * FROM flow WHERE" FLOW_WITHIN \
	"ORDER BY id" order " LIMIT ?5) f" FLOW_WHO
#define FLOW_BAD_PAGE(order)                                              \
	"SELECT" FLOW_COLUMNS "FROM (SELECT * FROM flow"                  \
	" INDEXED BY flow_violation WHERE violations > 0 AND" FLOW_WITHIN \
	"ORDER BY id" order " LIMIT ?5) f" FLOW_WHO
#define FLOW_OF_PAGE(order)                                                    \
	"SELECT" FLOW_COLUMNS "FROM (SELECT * FROM (SELECT * FROM flow"        \
	" INDEXED BY flow_client WHERE client = ?6 AND client > 0"             \
	" AND violations >= ?7 AND" FLOW_WITHIN "UNION ALL SELECT * FROM flow" \
	" INDEXED BY flow_server WHERE server = ?6 AND server > 0"             \
	" AND client <> ?6 AND violations >= ?7 AND" FLOW_WITHIN               \
	") ORDER BY id" order " LIMIT ?5) f" FLOW_WHO

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
	X(DOC_HISTORY, "SELECT name, revision, saved_s, bytes FROM document"   \
		       " WHERE name = ?1 ORDER BY revision")                   \
	X(WORKLOAD_PUT,                                                        \
	  "INSERT INTO workload (id, seen_s, about) VALUES (?1, ?2, ?3)"       \
	  " ON CONFLICT (id) DO UPDATE"                                        \
	  " SET seen_s = excluded.seen_s, about = excluded.about")             \
	X(WORKLOAD_WID, "SELECT wid FROM workload WHERE id = ?1")              \
	X(WORKLOAD_NEW, "INSERT INTO workload (id, seen_s) VALUES (?1, ?2)")   \
	X(WORKLOAD_ABOUT, "SELECT about FROM workload WHERE wid = ?1")         \
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
	X(FLOW_ALL, FLOW_PAGE(""))                                             \
	X(FLOW_BAD, FLOW_BAD_PAGE(""))                                         \
	X(FLOW_OF, FLOW_OF_PAGE(""))                                           \
	X(FLOW_ALL_NEWEST, FLOW_PAGE(" DESC"))                                 \
	X(FLOW_BAD_NEWEST, FLOW_BAD_PAGE(" DESC"))                             \
	X(FLOW_OF_NEWEST, FLOW_OF_PAGE(" DESC"))                               \
	X(EVENT_ADD, "INSERT INTO event (at_s, kind, workload, body)"          \
		     " VALUES (?1, ?2, ?3, ?4)")                               \
	X(EVENT_FIRST, "SELECT min(number) FROM event WHERE at_s >= ?1")       \
	X(EVENT_ALL, "SELECT number, body FROM event WHERE" EVENT_WITHIN)      \
	X(EVENT_KIND,                                                          \
	  "SELECT number, body FROM event"                                     \
	  " INDEXED BY event_kind WHERE kind = ?5 AND" EVENT_WITHIN)           \
	X(EVENT_OF,                                                            \
	  "SELECT number, body FROM event"                                     \
	  " INDEXED BY event_workload WHERE workload = ?6"                     \
	  " AND workload > 0 AND (?5 IS NULL OR +kind = ?5) AND" EVENT_WITHIN) \
	X(EVENT_ALL_NEWEST, EVENT_NEWEST(" WHERE"))                            \
	X(EVENT_KIND_NEWEST,                                                   \
	  EVENT_NEWEST(" INDEXED BY event_kind WHERE kind = ?5 AND"))          \
	X(EVENT_OF_NEWEST,                                                     \
	  EVENT_NEWEST(" INDEXED BY event_workload WHERE workload = ?6"        \
		       " AND workload > 0"                                     \
		       " AND (?5 IS NULL OR +kind = ?5) AND"))                 \
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
	X(COUNT_ROWS, "SELECT (SELECT count(*) FROM flow),"                    \
		      " (SELECT count(*) FROM event),"                         \
		      " (SELECT count(*) FROM workload),"                      \
		      " (SELECT count(*) FROM document)")

/*
 * What engines find in what was said, on its way into the log of findings.
 */
#pragma once

#include "detect/finding.h"
#include "flow/flow.h"
#include "inspect/passage.h"

/*
 * Found in the packet under way, which is f's (NULL: of no flow). e is what the
 * engine knows: kind, id, rev, severity, action, FINDING_COMPAT, name, classtype,
 * side, request, buffer, spot. Whose, where and by which rule is filled in here.
 */
void inspect_note_finding(struct passage *w, const struct flow *f,
			  const struct finding_event *e);

/*
 * The same of something that is no secret, when the request that it was in is
 * not known yet: told by found_tell_held() with the next one.
 */
void found_hold(struct passage *w, const struct flow *f,
		const struct finding_event *e);
/* The request is known as far as it will be. */
void found_tell_held(struct inspect *in, struct bytes request);

/* Of a signature's priority (1 the worst): 4 high, 3 medium, 2 low, 1 info. */
uint8_t found_severity(uint8_t priority);

"""The reference's table of threats."""

# id: severity, looked for by default, default action.
THREATS = {
    1001: "critical y drop", 1002: "critical y drop", 1003: "high n drop", 2001: "medium y drop", 2002: "critical y drop",
    2003: "medium n drop", 2004: "medium y allow", 2005: "medium n reset", 2006: "critical y drop", 2007: "critical y drop",
    2008: "low y allow", 2009: "critical y drop", 2010: "critical y drop", 2011: "medium y drop", 2012: "info n allow",
    2013: "high y drop", 2014: "high y drop", 2015: "critical n reset", 2016: "high n reset", 2017: "critical y allow",
    2018: "info y allow", 2019: "critical y drop", 2020: "critical y allow", 2021: "critical n allow", 2022: "critical y drop",
    2023: "critical y drop", 2025: "high y drop", 2026: "critical y drop", 2027: "info n allow"}
RULES = {2022, 2023}
# Those whose action is fixed, and those that cannot be answered by a reset.
FIXED, NO_RESET = {2001, 2002}, {1001, 1002, 2004, 2006, 2020}
# With default settings; with each looked for; with each action set so.
HOWS = ("default", "all", "allow", "reset")

#ifndef KASUMORI_HISTORY_HISTORY_POLICY_H
#define KASUMORI_HISTORY_HISTORY_POLICY_H

#include "services/common/base/arena.h"
#include "services/common/base/rc.h"
#include "services/common/base/slice.h"
#include "services/common/correlate/facts.h"

/* A policy as an operator writes it (docs/correlation.md §3, deploy/config/policy.yaml); what is
   not said holds as built in, and a severity table that is given replaces the built-in one whole:

     rules:
       confinement_talk: 60m        # talk in one part
       repetition_window: 30d       # three incidents
       matter_window: 30d           # three times on one matter after the final answer
       cross_site_window: 90d       # two incidents …
       cross_site_sites: 2          # … at that many sites together
       escalation_window: 180d      # three of rising severity, or the second of two at least …
       escalation_severity: 4       # … this
     severity:                      # scheme:version:code, 1 to 5
       mhlw9:2022:abuse: 3
     overrides:                     # the first that fits a record's own site and channel
       - sites: [s001, s002]        # left out: all
         channels: [phone]          # left out: all
         rules: {confinement_talk: 45m}        # what is left out is as above
         severity: {mhlw9:2022:abuse: 4}       # likewise, whole

   An override without sites and channels, without rules and severity, or after others that hold
   wherever it would, is refused.

   RC_REJECT with "name:line:column: key: why"; RC_FULL when the arena is too small. version and
   effective_from_us of the result are 0. */
enum rc history_policy_parse(const char *name, struct slice text, struct arena *arena,
                             struct fact_policy *ret_policy, struct err *err) MUST_CHECK;

/* The linking policy, likewise:

     kinds: [handle, member, account, phone, mail, vehicle, sns]
     expiry: {phone: 730d, mail: 1825d}
     subject_nodes: 32              # N
     gap: 10m
     gap_attempt: 5m                # after busy or abandoned contacts
     overlap: 60s                   # of two calls of a switchboard …
     pairs: 3                       # … and how many neighbouring pairs
     cap: 3                         # of a pair of kinds the page does not name
     caps: [{kind: phone, neighbour: member, cap: 1}]        # before the page's own
     shared: [phone:1:00112233445566778899aabbccddeeff]      # kind:key_id:mac
 */
enum rc history_linking_parse(const char *name, struct slice text, struct arena *arena,
                              struct fact_linking *ret_linking, struct err *err) MUST_CHECK;

/* "kind:key_id:mac" with 32 hexadecimal digits. RC_REJECT with the reason. */
enum rc history_token_parse(const char *text, struct fact_token *ret_token,
                            struct err *err) MUST_CHECK;

#endif

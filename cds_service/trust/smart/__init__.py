"""The service as a SMART on FHIR app: an EHR launches it, and gives it a token for one patient.

- `registration`  what the site's file says of an EHR: `[clients.<name>.smart]`
- `asking`        requests to the EHR's authorization server: where they may go, how long they take
- `discovery`     where its endpoints are, and what it can do
- `launch`        to the authorization server: state, PKCE, nonce, scopes
- `exchange`      back from it: the code becomes a token
- `identity`      who the user is: the id_token
- `sealing`       what is kept between two requests, encrypted

SMART App Launch 2.2 (https://hl7.org/fhir/smart-app-launch/), version 1 scopes where the server
knows no others. Nothing here asks for, or uses, the right to write.
"""

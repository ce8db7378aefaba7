/** The policy that holds where nobody wrote one. It is also the example that people start from: `veiltrail policy default > policy.yaml`. */
import { impersonalTypes } from './lexicon.ts';

const notPeople = `{type: [${impersonalTypes.join(', ')}]}`;

export const defaultPolicyYaml = `# veiltrail's default policy
version: 1
name: default

# Fields that no rule below names are looked through by the detectors.
unknown: scan

# The first rule that fits settles a value. * is one name or element, ** any number; case, _ and - in names do not matter.
fields:
  - path: ["**.password.**", "**.passwd.**", "**.passphrase.**", "**.secret.**", "**.clientSecret", "**.secretAccessKey", "**.secretKey", "**.privateKey", "**.apiKey",
           "**.accessToken", "**.refreshToken", "**.idToken", "**.authToken", "**.sessionToken", "**.bearerToken", "**.oauthToken", "**.authorization", "**.cookie",
           "**.setCookie", "**.credential", "**.pin", "**.cvv", "**.cvc", "**.otp", "**.*password", "**.xApiKey", "**.proxyAuthorization"]
    kind: secret
    transform: redact
    why: whoever reads a secret can use it
  - path: ["**.ssn", "**.socialSecurityNumber", "**.socialSecurity", "**.ssnNumber", "**.usSsn", "**.itin"]
    kind: us_ssn
  - path: ["**.nationalId", "**.nationalIdNumber", "**.nationalIdentifier", "**.taxId", "**.taxNumber", "**.taxIdNumber", "**.tin", "**.idCardNumber", "**.identityNumber", "**.identityCardNumber",
           "**.personalNumber", "**.residencePermit", "**.voterId"]
    kind: national_id
  - path: ["**.passportNumber", "**.passport", "**.passportNo", "**.passportId"]
    kind: passport
  - path: ["**.licensePlate", "**.licencePlate", "**.plateNumber", "**.numberPlate", "**.registrationPlate", "**.vehicleRegistration", "**.kennzeichen", "**.immatriculation", "**.targa", "**.kenteken"]
    kind: license_plate
  - path: ["**.driverLicense", "**.driversLicense", "**.driverLicenseNumber", "**.driversLicenseNumber", "**.driverLicence", "**.drivingLicence", "**.drivingLicense", "**.drivingLicenceNumber"]
    kind: driver_license
  - path: ["**.medicalRecordNumber", "**.mrn", "**.patientNumber"]
    kind: medical_record_number
  - path: ["**.healthInsuranceNumber", "**.insuranceNumber", "**.insurancePolicyNumber", "**.policyNumber", "**.insuranceId", "**.insuranceMemberId"]
    kind: insurance_number
  - path: ["**.employeeId", "**.employeeNumber", "**.employeeNo", "**.empId", "**.staffId", "**.personnelNumber", "**.badgeNumber"]
    kind: employee_id
  - {path: ["**.nino", "**.nationalInsuranceNumber"], kind: uk_nino}
  - {path: ["**.nhsNumber"], kind: uk_nhs}
  - {path: ["**.sin", "**.socialInsuranceNumber"], kind: ca_sin}
  - {path: ["**.cpf"], kind: br_cpf}
  - {path: ["**.aadhaar", "**.aadhaarNumber"], kind: in_aadhaar}
  - {path: ["**.codiceFiscale"], kind: it_codice_fiscale}
  - {path: ["**.bsn"], kind: nl_bsn}
  - {path: ["**.pesel"], kind: pl_pesel}
  - {path: ["**.dni"], kind: es_dni}
  - {path: ["**.vin"], kind: vin}
  - path: ["**.gender", "**.sex", "**.genderIdentity"]
    kind: gender
  - path: ["**.nationality", "**.citizenship", "**.placeOfBirth", "**.birthPlace"]
    kind: nationality
  - path: ["**.religion", "**.religiousBelief", "**.religiousAffiliation"]
    kind: religion
  - path: ["**.ethnicity", "**.ethnicGroup", "**.ethnicOrigin"]
    kind: ethnicity
  - path: ["**.politicalView", "**.politicalViews", "**.politicalAffiliation", "**.politicalParty"]
    kind: political_view
  - path: ["**.sexualOrientation"]
    kind: sexual_orientation
  - path: ["**.diagnosis", "**.diagnoses", "**.medicalCondition", "**.medicalConditions", "**.healthCondition", "**.healthConditions", "**.disability", "**.allergies", "**.bloodType", "**.medicalHistory"]
    kind: health_condition
  - path: ["**.salary", "**.annualSalary", "**.baseSalary", "**.monthlySalary", "**.annualIncome", "**.grossPay", "**.netPay", "**.wage", "**.wages"]
    kind: salary
  - path: ["**.bankAccount", "**.bankAccountNumber"]
    kind: bank_account
  - {path: ["**.routingNumber", "**.abaRouting", "**.abaRoutingNumber"], kind: us_aba_routing}
  - {path: ["**.bic", "**.bicCode", "**.swiftCode", "**.swiftBic"], kind: bic}
  - {path: ["**.imei", "**.imsi", "**.iccid", "**.idfa", "**.gaid", "**.advertisingId", "**.androidId", "**.udid"], kind: device_id}
  - {path: ["**.biometricId", "**.fingerprintId", "**.faceId", "**.voiceprint", "**.faceprint"], kind: biometric_id}
  - path: ["**.cardNumber", "**.creditCard", "**.creditCardNumber", "**.ccNumber", "**.debitCard", "**.pan", "**.primaryAccountNumber", "**.cardNo"]
    kind: credit_card
  - path: ["**.iban", "**.ibanCode", "**.ibanNumber"]
    kind: iban
  - path: ["**.dateOfBirth", "**.birthDate", "**.birthday", "**.dob", "**.bday", "**.geburtsdatum", "**.dateNaissance", "**.dateDeNaissance", "**.fechaNacimiento", "**.fechaDeNacimiento", "**.dataDiNascita", "**.geboortedatum", "**.dataNascimento",
           "**.dataUrodzenia", "**.born", "**.bornOn", "**.birth", "**.geboren", "**.geborenAm", "**.naissance", "**.nacimiento", "**.nascita", "**.nascimento"]
    kind: date_of_birth
  - path: ["**.phone", "**.phoneNumber", "**.mobile", "**.mobilePhone", "**.mobileNumber", "**.cellPhone", "**.telephone", "**.telephoneNumber", "**.homePhone", "**.workPhone",
           "**.primaryPhone", "**.contactNumber", "**.msisdn", "**.fax", "**.tel", "**.phoneNo", "**.mobileNo", "**.landline", "**.contactPhone", "**.customerPhone", "**.secondaryPhone", "**.emergencyContactPhone",
           "**.telefon", "**.telefonnummer", "**.handynummer", "**.telefono", "**.teléfono", "**.telefone", "**.celular", "**.movil", "**.móvil", "**.telefoonnummer", "**.phoneNumbers.*", "**.phoneNumbers.*.value"]
    kind: phone
  - path: ["**.streetAddress", "**.postalAddress", "**.homeAddress", "**.mailingAddress", "**.addressLine1", "**.addressLine2", "**.address1", "**.address2", "**.*address.line1", "**.*address.line2", "**.street", "**.street1", "**.street2", "**.streetName",
           "**.anschrift", "**.strasse", "**.straße", "**.direccion", "**.dirección", "**.indirizzo", "**.endereco", "**.endereço"]
    kind: postal_address
  - path: ["**.zip", "**.zipCode", "**.postalCode", "**.postCode", "**.plz"]
    kind: postal_code
  - path: ["**.lat", "**.lon", "**.lng", "**.latitude", "**.longitude"]
    kind: location
  - path: ["**.email", "**.emailAddress", "**.eMail", "**.mail", "**.userEmail", "**.principalEmail", "**.workEmail", "**.homeEmail", "**.primaryEmail", "**.secondaryEmail", "**.recoveryEmail", "**.actorEmail",
           "**.fromEmail", "**.toEmail", "**.contactEmail", "**.emails"]
    kind: email
    why: an address names its owner

  # The role that issued a session, not a person.
  - path: "**.sessionContext.sessionIssuer.userName"
    transform: scan
    unless: {type: [User, IAMUser]}
  - path: ["**.firstName", "**.lastName", "**.middleName", "**.givenName", "**.familyName", "**.surname", "**.maidenName", "**.fullName", "**.realName", "**.legalName", "**.personName", "**.customerName",
           "**.patientName", "**.employeeName", "**.contactName", "**.cardholderName", "**.accountHolder", "**.ownerName", "**.recipientName", "**.senderName", "**.authorName", "**.nickname",
           "**.preferredName", "**.actorName", "**.gecos", "**.fname", "**.lname", "**.mname", "**.forename", "**.forenames", "**.cardholder", "**.nameOnCard", "**.accountHolderName",
           "**.beneficiaryName", "**.passengerName", "**.guestName", "**.studentName", "**.clientName", "**.payerName", "**.payeeName", "**.spouseName", "**.emergencyContactName",
           "**.vorname", "**.nachname", "**.familienname", "**.prenom", "**.prénom", "**.nomDeFamille", "**.nomComplet", "**.nombreCompleto", "**.apellido", "**.apellidos", "**.primerApellido", "**.segundoApellido",
           "**.cognome", "**.voornaam", "**.achternaam", "**.sobrenome", "**.primeiroNome", "**.imie", "**.imię", "**.nazwisko"]
    kind: person_name
  - path: ["**.*user.name", "**.*actor.name", "**.person.name", "**.customer.name", "**.patient.name", "**.employee.name",
           "**.author.name", "**.committer.name", "**.sender.name", "**.recipient.name", "**.manager.name", "**.owner.name", "**.createdBy.name", "**.updatedBy.name", "**.initiator.name", "**.displayName"]
    kind: person_name
    unless: ${notPeople}
  - path: ["targets.*.name", "target.name", "**.targets.*.name", "**.target.*.name"]
    kind: person_name
    when: looks-personal
    unless: ${notPeople}
  - path: ["**.userName", "**.login", "**.loginName", "**.userLogin", "**.screenName", "**.samAccountName", "**.userPrincipalName", "**.upn", "**.subjectUserName", "**.targetUserName",
           "**.principalName", "**.actorUserName", "**.actorLogin", "**.actorUsername", "**.preferredUsername", "**.remoteUser", "**.osUser", "**.loginUser", "**.loggedInUser", "**.requestedBy", "**.approvedBy",
           "**.createdBy", "**.updatedBy", "**.modifiedBy", "**.deletedBy", "**.performedBy", "**.invitedBy", "**.assignedTo", "**.alternateId", "**.impersonator", "**.onBehalfOf"]
    kind: username
    unless: ${notPeople}
  - path: ["**.user", "**.actor", "user.id", "**.actor.alternateId", "**.userId", "**.actorId", "**.owner", "**.author", "**.assignee", "**.member", "**.principal", "**.initiator", "**.operator", "**.employee", "**.customer", "**.accountName", "**.targetUser", "**.actorUser", "**.dbUser", "**.runAs", "**.uid"]
    kind: username
    when: looks-personal
    unless: ${notPeople}
  - path: ["actor.id", "target.id", "targets.*.id", "actor.onBehalfOf.id", "**.actor.id", "**.customer.id", "**.subject.id"]
    kind: username
    when: looks-personal
    why: an identifier is tokenized when it looks like a name

# What happens to what detectors find. A kind that is not named here is redacted.
kinds:
  email: tokenize
  person_name: tokenize
  username: tokenize
  phone: tokenize
  mac_address: tokenize
  ip_address: {transform: generalize, options: {ipv4: 24, ipv6: 48}}
  date_of_birth: {transform: generalize, options: {date: year}}
  location: {transform: generalize, options: {bucket: 1}}
  postal_address: {transform: redact}
  # A city or a country by itself names nobody.
  place: keep
  # Which key was used is what an investigation asks first: keyed, so that it correlates without being shown.
  aws_access_key: hash
  us_ssn: {transform: redact, options: {label: kind}}
  national_id: {transform: redact, options: {label: kind}}
  passport: {transform: redact, options: {label: kind}}
  driver_license: {transform: redact, options: {label: kind}}
  license_plate: {transform: redact, options: {label: kind}}
  age: {transform: generalize, options: {bucket: 10}}
  # Numbers that an employer, a hospital or a maker gave: what happened to one and the same is what matters.
  employee_id: tokenize
  medical_record_number: tokenize
  insurance_number: tokenize
  device_id: tokenize
  imei: tokenize
  bitcoin_address: tokenize
  ethereum_address: tokenize
`;

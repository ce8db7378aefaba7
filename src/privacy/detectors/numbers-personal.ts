/** Numbers that no state gives out, or any: documents, accounts, insurers, hospitals, employers, devices. Known by the words before them. */
import { passesLuhn } from './checksums.ts';
import { type NumberKind, numberKind } from './number-kind.ts';

/** A number of which nothing is known but that a word announces it: five to twenty places, with a digit. */
const any = /^(?=.*\d)[A-Z0-9]{5,20}$/;
/** The same with four digits at least. */
const anyDigits = /^(?=(?:.*\d){4})[A-Z0-9]{4,24}$/;

export const personalNumbers: readonly NumberKind[] = [
  numberKind({
    kind: 'national_id',
    what: 'the field or a word says so: an identity or tax number of any country',
    example: 'national id: 74-B-8812',
    shape: any,
    labels:
      'national id, nationalid, national identity, national identification, national identity number, identity number, personal id, citizen id, government id, id card, identity card, id number:, tax id, tax identification, tax number, taxpayer id, taxpayer identification, tax reference, foreign tax id, personal number, national number, civil registration number, social security id, cedula, cedula de ciudadania, carte d identite, carta d identita, dowod osobisty, numer dowodu, bilhete de identidade, cartao de cidadao, identiteitskaart, residence permit, permit number, aufenthaltstitel, alien registration, a number:, voter id, electoral id, legal id',
  }),
  numberKind({
    kind: 'passport',
    what: 'passport number: six to twelve places, a word that says so',
    example: 'passport C01X00T47',
    shape: /^(?=(?:.*\d){5})[A-Z0-9]{6,12}$/,
    labels:
      'passport, passport number, passport id, passport document, travel document, reisepass, reisepassnummer, passeport, numero de passeport, pasaporte, numero de pasaporte, passaporto, paspoort, paspoortnummer, passaporte, paszport, numer paszportu, pass nummer',
  }),
  numberKind({
    kind: 'driver_license',
    what: 'driving licence number of any country or state: five to twenty places, a word that says so',
    example: "driver's license F255-921-50-094-0",
    shape: any,
    labels:
      'driver license, drivers license, driver s license, driver licence, drivers licence, driver s licence, driving license, driving licence, license number:, licence number:, dl number, driver id:, !dl, dln, fuhrerschein, fuhrerscheinnummer, permis de conduire, permiso de conducir, licencia de conducir, carnet de conducir, patente di guida, numero patente, rijbewijs, rijbewijsnummer, carta de conducao, prawo jazdy, cnh',
  }),
  numberKind({
    kind: 'bank_account',
    what: 'bank account number: five to twenty places, a word that says so',
    example: 'account number: 10364078',
    shape: /^(?!\d{12}$)(?=(?:.*\d){5})[A-Z0-9]{5,20}$/,
    labels:
      'account:, acct:, account number, account no, acct number, acct no, bank account, bank account number, checking account, savings account, current account, deposit account, beneficiary account, account details:, konto:, kontonummer, konto nr, compte bancaire, numero de compte, rib, cuenta bancaria, numero de cuenta, conto corrente, conto bancario, rekeningnummer, bankrekening, conta bancaria, numero da conta, numer konta, rachunek, numer rachunku, sort code:, clabe, bsb:',
    family: 'money',
  }),
  numberKind({
    kind: 'medical_record_number',
    what: 'medical record or patient number: a word that says so, or stands before its dash',
    example: 'MRN-1004836',
    shape: anyDigits,
    labels:
      'mrn, medical record, medical record number, medical record id, medical record no, health record number, patient id, patient number, patient no, patientid, chart number, hospital number, patientennummer, numero de dossier medical, numero de historia clinica, historia clinica, cartella clinica, patientnummer, numero de utente',
    family: 'person',
  }),
  numberKind({
    kind: 'insurance_number',
    what: 'policy or member number of an insurance: a word that says so',
    example: 'policy number POL-2434569',
    shape: /^(?=(?:.*\d){5})[A-Z0-9]{6,24}$/,
    labels:
      'policy:, policy number, policy no, insurance:, insurance id, insurance number, insurance policy, insurance policy number, insurance no, insurance member id, health insurance, health insurance number, health insurance id, member id:, subscriber id:, health plan, health plan number, beneficiary number, health card, health card number, ohip, versicherungsnummer, versicherungsschein, police d assurance, numero de police, poliza, numero de poliza, polizza, numero polizza, polisnummer, apolice, numer polisy, nid:, claim number:',
    family: 'person',
  }),
  numberKind({
    kind: 'employee_id',
    what: 'employee number: a word that says so',
    example: 'employee id EMP-37762',
    shape: /^(?=(?:.*\d){2})[A-Z0-9]{3,20}$/,
    labels:
      'employee id, employeeid, employee number, employee no, employee code, emp id, empid, emp:, emp no, emp number, staff id, staff number, personnel number, personnel id, personnel no, worker id:, badge number, badge id, personalnummer, mitarbeiternummer, mitarbeiter id, matricule:, numero d employe, numero de empleado, matricola, personeelsnummer, numero de funcionario, numer pracownika',
    family: 'person',
  }),
  numberKind({
    kind: 'biometric_id',
    what: 'identifier of a fingerprint, face, iris or voice template: a word that says so',
    example: 'biometric id: FP-88213-A',
    shape: /^(?=(?:.*\d){2})[A-Z0-9]{4,64}$/,
    labels:
      'biometric id, biometricid, biometric template, biometric hash, biometric data, biometric identifier, fingerprint id, fingerprint template, finger print id, face id:, faceid:, face template, faceprint, facial id, facial recognition id, voiceprint, voice print, voiceprint id, iris id, iris scan, iris template, retina id, retina scan, palm print',
    family: 'person',
  }),
  numberKind({
    kind: 'imei',
    what: 'IMEI of a telephone: fifteen digits, Luhn, 2-6-6-1 or a word that says so',
    example: '35-209900-176148-1',
    shape: /^\d{15,16}$/,
    check: (number) => number.length === 16 || passesLuhn(number),
    distinct: '99-999999-999999-9',
    grouped: '99 999999 999999 9',
    labels: 'imei, imei number, imei no, imeisv, international mobile equipment',
    family: 'network',
  }),
  numberKind({
    kind: 'device_id',
    what: 'identifier of a telephone, SIM or advertising profile: a word that says so',
    example: 'IDFA 6D92078A-8246-4BA4-AE5B-76104861E7DC',
    shape: /^(?=(?:.*\d){3})[A-Z0-9]{8,64}$/,
    labels:
      'device id, deviceid, device identifier, device uuid, device serial number, udid, idfa, idfv, gaid, aaid, advertising id, advertiser id, android id, androidid, imsi, iccid, meid, sim serial, sim card number, installation id:, hardware id, hwid',
    family: 'network',
  }),
];

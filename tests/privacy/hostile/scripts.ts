/** People in scripts that the lexicon has few or no names of, and what sentences say in those scripts about other things. Lists of our own. */

export const peopleByScript: Readonly<Record<string, readonly string[]>> = {
  bengali: ['শফিকুল ইসলাম', 'নাজমুল হাসান', 'সুব্রত মুখার্জি', 'ফারহানা ইয়াসমিন', 'অর্ণব ঘোষ', 'রুমানা বেগম'],
  tamil: ['கணேஷ் சுந்தரம்', 'மீனாட்சி குமார்', 'ரமேஷ் பாலாஜி', 'வித்யா சங்கர்', 'அருண் பிரகாஷ்', 'தேவி கிருஷ்ணன்'],
  telugu: ['సాయి కిరణ్', 'పద్మ రాజు', 'నరేష్ చౌదరి', 'స్వాతి నాయుడు', 'మహేష్ ప్రసాద్', 'అనూష వర్మ'],
  kannada: ['ಮಂಜುನಾಥ್ ಶೆಟ್ಟಿ', 'ಕಾವ್ಯಾ ಹೆಗಡೆ', 'ನವೀನ್ ಪಾಟೀಲ್', 'ಅರ್ಚನಾ ರಾವ್', 'ವಿನಯ್ ಭಟ್', 'ದೀಪಾ ಕುಲಕರ್ಣಿ'],
  malayalam: ['സുരേഷ് കുമാർ', 'ദിവ്യ തോമസ്', 'ജോസഫ് മാത്യു', 'രമ്യ വർമ്മ', 'വിനോദ് ജോർജ്', 'അഞ്ജലി നായർ'],
  gujarati: ['નરેશ દેસાઈ', 'હેતલ પરમાર', 'ભાવેશ સોલંકી', 'કિંજલ ત્રિવેદી', 'જયેશ ગાંધી', 'મીના જોશી'],
  gurmukhi: ['ਜਸਵਿੰਦਰ ਸੰਧੂ', 'ਸਿਮਰਨ ਢਿੱਲੋਂ', 'ਬਲਜੀਤ ਗਰੇਵਾਲ', 'ਅਮਨਦੀਪ ਬਰਾੜ', 'ਰਾਜਵੀਰ ਸਿੱਧੂ', 'ਨਵਜੋਤ ਕੌਰ'],
  georgian: ['ლევან გელაშვილი', 'თეა ლომიძე', 'ზურაბ კვარაცხელია', 'ეკა გოგიჩაიშვილი', 'ირაკლი ჭანტურია', 'სოფიო აბაშიძე'],
  armenian: ['Վահե Մկրտչյան', 'Լուսինե Ավագյան', 'Գոռ Հարությունյան', 'Սոնա Դանիելյան', 'Նարեկ Բաղդասարյան', 'Աստղիկ Սիմոնյան'],
  amharic: ['ከበደ ወልደሚካኤል', 'አለማየሁ ተክሌ', 'ብርሃኑ ደስታ', 'ትዕግስት አሰፋ', 'ሙሉጌታ ኃይሌ', 'ሰናይት መኮንን'],
  khmer: ['វណ្ណា គឹម', 'សុវណ្ណ ហ៊ុន', 'ស្រីមុំ ឈឹម', 'ពិសិដ្ឋ ម៉ៅ', 'ដារា កែវ', 'បុប្ផា នួន'],
  lao: ['ສຸກສະຫວັນ ແກ້ວມະນີ', 'ບົວລະພາ ສີສຸລາດ', 'ຄຳພອນ ວິໄລສັກ', 'ມະນີວັນ ພິມມະສອນ', 'ທອງໄຊ ອິນທະວົງ', 'ນາງຄຳ ສຸວັນນະ'],
  sinhala: ['කමල් ජයවර්ධන', 'නදීශා රණසිංහ', 'චමින්ද ගුණවර්ධන', 'දිල්හානි ප්‍රනාන්දු', 'සමන් විජේසිංහ', 'ඉෂාරා බණ්ඩාර'],
  persian: ['بهرام جعفری', 'شیرین مرادی', 'کاوه نوروزی', 'پریسا احمدی', 'آرش یزدانی', 'نسترن کاظمی'],
  urdu: ['بلال چوہدری', 'ثمینہ قریشی', 'فیصل بٹ', 'صائمہ ملک', 'وقاص خان', 'نگہت بیگم'],
  hebrew: ['אורי שפירא', 'תמר אברהמי', 'נועם פרידמן', 'רחל גולדברג', 'איתן ביטון', 'שירה אזולאי'],
};

/** What an audit trail in English says about them. */
export const scriptTemplates = [
  'ticket closed by {}',
  '{} logged in from the office',
  'Access granted to {}',
  'user: {}; role: admin',
  'approved by {} yesterday',
  'password of {} was reset',
  'name: {}',
  'Message from {} read',
];

/** What else is written in these scripts: what something was called, set to or translated as. */
export const notPeopleByScript = [
  'Title changed to স্বাগতম আপনাকে',
  'Label set to பணம் செலுத்தப்பட்டது',
  'Status updated to చెల్లింపు పూర్తయింది',
  'display language switched to ქართული ენა',
  'category renamed to ವಿದ್ಯುತ್ ಬಿಲ್',
  'Column translated to നിലവിലെ വില',
  'Field set to ბოლო განახლება',
  'caption changed to የይለፍ ቃል',
  'Label set to رمز عبور جدید',
  'Status changed to הוזמן מחדש',
];

/**
 * Given and family names that are common in cultures of which the libraries have few: lists of our own, written from general knowledge, in lower case and
 * mostly without marks. They count like names that two languages share.
 */

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter(Boolean);
}

export const moreGiven = words(`
  abhay abhijit abhilash abhinav abhishek adarsh aditi aditya advait ajay ajit akash akhil akshay amar amit amitabh amrita anand ananya aniket anirudh anita anjali ankit ankita ankur anuj anupam
  anurag aparna apoorva arjun arnav arun arvind asha ashish ashok ashwin avinash ayush bharat bhavesh bhavna chandan charu chetan chirag deepak deepika dev devansh dhruv dilip dinesh divya
  gagan ganesh gaurav gautam girish gopal govind hardik hari harish harpreet harsh harsha harshit hemant himanshu indira ishaan ishita jagdish jaspreet jayant jitendra jyoti kajal kalyan kamal kapil
  karan kartik karthik kavita kavya keshav kiran kishore kritika kumar kunal lakshmi lalit madhav madhu mahesh manas manish manisha manoj mayank meera megha milind mohan mohit mukesh nandini
  naresh naveen navneet neeraj neha nidhi nikhil nilesh nirmal nisha nishant nitin omkar pallavi pankaj parth payal pooja prabhat pradeep pragya prakash pranav pranay prasad prashant prateek
  pratik praveen preeti prem prithvi priya priyanka pulkit puneet radha raghav rahul raj rajat rajeev rajendra rajesh rajiv rakesh ramesh rashmi ravi ravindra rekha rishabh rishi ritesh ritu rohan rohini
  rohit roshan rupesh sachin sagar sahil samir sandeep sangeeta sanjana sanjay sanjeev santosh sarika satish saurabh seema shalini shankar sharad shashank shikha shilpa shivam shivani shreya
  shruti shubham shweta siddharth sidharth smita sneha sonal srinivas subhash sudhir sudha suman sumit sundar sunil sunita suraj suresh sushil swapnil swati tanmay tanvi tarun tejas uday ujjwal umesh
  utkarsh vaibhav varun vedant venkat venkatesh vidya vijay vikas vikram vinay vineet vinod vipin vipul virat vishal vishnu vivek yash yashwant yogesh
  abdallah abdelrahman abdul abdulaziz abdullah abdulrahman adel adnan ahmad ahmed aisha amal amina amira anwar asma aya ayman aziz bashir basma bilal dalia dina ehab fadi fahad faisal farah
  farid farouk fatema fatima fatma ghada habib hadi haitham hala hamid hamza hana hanan hani hasan hassan haya hisham huda hussain hussein ibrahim iman imran ismail jamal jamila kamal karim khadija khaled
  khalid khalil laila lamia layla leila lina loubna lubna mahmoud majid malak malik mansour mariam maryam mehdi mohamed mohammad mohammed mona mostafa muhammad mustafa nabil nadia naima najwa nasser nawal noor noura
  nour omar omer osama qasim rabab rachid rahma rami rana rania rashid reem rima saad sabah saeed said salah saleh salim salma salman sami samira sana sara sayed shadi shaimaa sharif siham soha sultan taha tamer tarek
  tariq usman wael waleed walid yahya yasmin yasmine yasser youssef yousef yusuf zainab zaki zayd zeinab ziad
  abayomi abdou abebe abena abiodun abimbola adaeze adaora ade adebayo adedayo adekunle adeola aderonke adewale adunni afua akin akinyi akosua akua ama amadi amara amaka amadou aminata anthonia
  ayodele babajide babatunde bamidele bolaji bolanle bukola chiamaka chibuzo chidi chidinma chijioke chika chima chinedu chinonso chinwe chioma chinyere chukwudi chukwuemeka chukwuma dayo ebele ebuka
  efe ekene emeka enitan esi eze fatou femi folake folasade funke funmilayo gbenga halima ifeanyi ifeoma ikechukwu ikenna iyabo jelani kehinde kelechi kemi kofi kojo kunle kwabena kwaku kwame kwasi lanre lerato mamadou
  mandla mbali modupe moussa mpho nana ngozi nkechi nneka nnamdi nokuthula nomvula obinna oge okechukwu olabisi olamide olu olubunmi olufemi olumide olusegun oluwaseun omolara onyeka onyinye oumar ousmane rotimi
  sade segun seun sibusiso sipho taiwo tayo temitope thabo thandi themba titilayo tobi tochukwu tolu tunde uche uchenna uchechi udo ugochukwu uzoma wanjiku yaa yemi yetunde zanele zodwa
  aoife ailbhe aine aisling aodhan blathnaid brendan brid bronagh caoimhe cathal ciara ciaran cillian clodagh colm conor cormac daithi darragh declan deirdre dermot diarmuid donal eamon eilis eimear eoghan
  eoin fergal fiachra fidelma fintan fionn fionnuala gearoid grainne iarlaith liadan lochlann lorcan maeve mairead malachy muireann niall niamh odhran oisin oonagh oran orla orlaith padraic padraig
  peadar proinsias rian roisin ronan rory ruairi sadhbh saoirse seamus sean senan shane sile sinead siobhan sorcha tadhg tomas turlough una angharad bethan carys dafydd dilwyn emrys eirlys ffion
  gareth gethin gwen gwyneth huw iolo iwan llinos llywelyn lowri meirion nerys nia owain rhian rhiannon rhodri rhys sian tegan tomos alasdair catriona eilidh ewan fergus fraser hamish iain isla kirsty mairi mhairi
  annegret anneliese annika ansgar bernd bernhard birgit bjorn brigitte burkhard carsten christoph detlef detlev dieter dietmar dietrich dirk eberhard eckhard edeltraud elfriede elke erhard friedhelm friedrich
  fritz georg gerd gerhard gerlinde gisela gottfried gudrun gunnar gunter gunther hannelore hansjorg harald hartmut heidrun heike heiko heiner heinrich heinz helga helge helmut herbert hildegard holger horst
  ilse ingeborg ingo ingrid irmgard jens joachim jochen jorg jorn jurgen jutta kathe kai karin karlheinz karsten kaspar katja kerstin klaus knut konrad kurt lothar ludger ludwig luise lutz maik manfred
  mareike margit marlies matthias michaela monika norbert olaf ortwin otto petra rainer ralf reinhard reinhold renate roland rolf rosemarie rudiger rupert sabine sebastian siegfried sieglinde sigrid silke silvia steffen stefanie
  susanne sven thorben thorsten tobias torben torsten traudl udo ulf ulrich ulrike ursula ute uwe veit volker volkmar waltraud werner wilfried wilhelm winfried wolfgang wolfram
  aafke aart adriaan anke anneke annelies annemarie anouk arjan arjen arno bart bas berend bram carolien coen corné daan dick dirk douwe eelco elke erik esther evert femke ferdi floris frans freek frits geert geertje
  gerard gerben gerrit gijs hanneke hans harm heleen hendrik henk hidde ineke jaap jacco jan jannie jasper jelle jelmer jeroen jesse jikke jip joep johan joke joost joris jorrit jos jurjen jurriaan karel kees klaas koen koos
  lars leendert liesbeth lieke lotte luuk maaike maarten machiel mariska marieke marijke marjolein marleen marloes mathijs matthijs mees meike menno merel michiel mieke mirjam nelleke niek niels nienke petra
  pieter piet reinier rene remco renske rens rianne rik rinse ronald roos ruben rutger ruud sander saskia sanne siebren sietse sjaak sjoerd stijn suze swier teun theo thijs tijmen tineke tjeerd tom wessel wiebe
  wietske willem willemijn wim wouter ynze yvonne
  aki akihiko akihiro akiko akira asuka atsushi ayaka ayumi chihiro daichi daiki daisuke eiji emi fumiko fumio genki goro hana haruka haruki haruto hideki hideo hikari hina hinata hiroaki hiroki hiroko hiromi hiroshi
  hiroto hiroyuki hisashi hitomi hitoshi ichiro isamu itsuki jiro jun junichi junko kaede kaito kana kaori kazuhiro kazuki kazuko kazuo kazuya keiichi keiko keisuke keita kenichi kenji kenta kentaro kohei koichi koji kosuke
  kunio kyoko maki makoto mami manabu mariko masaaki masaki masako masaru masashi masato masaya mayumi megumi michiko midori mieko miho miki minoru mitsuo miyuki momoko nana nao naoki naoko naoto natsuki
  natsumi noboru nobu nobuyuki noriko osamu reiko ren riko rina rintaro ryo ryoko ryota ryuji ryunosuke sakura satoko satomi satoru satoshi sayaka sayuri seiji shigeki shigeru shin shinichi shinji shinobu
  shiori shizuka sho shohei shota shoji shun sota sumiko susumu tadashi taichi takahiro takako takao takashi takayuki takeshi taku takuma takumi takuya taro tatsuya tetsuo tetsuya tomohiro tomoko tomomi tomoya toru
  toshio toshiyuki tsubasa tsutomu yasuhiro yasuko yasuo yoichi yoko yosuke yota yoshiaki yoshiko yoshio yoshihiro yui yuichi yuji yuka yuki yukiko yukio yuko yumi yumiko yusuke yuta yutaka yuto
  eunji eunyoung hyejin hyun hyunjin hyunwoo jaehyun jaewon jihoon jihye jimin jinwoo jisoo jiwon jiyeon jiyoung junho kyung minho minji minjun minseo sangwoo seojun seoyeon seungmin soojin
  sungmin taehyung yeonwoo youngho younghee anh bao binh chau chinh cuong dao dung duong giang hai hanh hao hien hieu hoa hoai hong hue huong khanh khoa lam loan minh nam nga nghia ngoc nguyet nhan nhi nhung
  phong phuc phuong quang quoc quyen quynh tam tan thanh thao thi thinh thu thuy tien toan trang tri trinh trung truc tuan tung tuyen tuyet van viet vinh vy xuan yen
  aleksei alexei anatoli andrei andrey anton artem bogdan boris denis dmitri dmitriy dmitry ekaterina elena evgeni evgeniy evgeny fyodor galina gennady grigory igor ilya inna irina ivan kirill konstantin ksenia larisa
  leonid ludmila lyudmila maksim marina maxim mikhail nadezhda natalia natalya nikita nikolai nikolay oksana oleg olga pavel petr polina roman rostislav ruslan semyon sergei sergey stanislav svetlana taras tatiana tatyana
  timur vadim valentin valentina valeriy valery vasily vera viktor vitali vitaliy vitaly vladimir vladislav volodymyr vyacheslav yana yaroslav yegor yevgeny yulia yuri yury zoya bartosz beata bozena czeslaw
  dagmara dariusz dorota elzbieta ewa franciszek grazyna grzegorz halina ireneusz irena iwona jacek jadwiga janusz jaroslaw jerzy jolanta kazimierz krystyna krzysztof lech leszek magdalena malgorzata mariusz marzena mateusz mieczyslaw
  miroslaw pawel piotr przemyslaw radoslaw ryszard slawomir stanislaw tadeusz teresa tomasz urszula wieslaw witold wladyslaw wlodzimierz wojciech zbigniew zdzislaw zofia zuzanna bohumil bretislav
  dagmar frantisek hynek jana jaromir jarmila jindrich jiri josef kamil katerina libor lubos lucie ludek marek marketa milos miloslav miroslav ondrej otakar pavla premysl radek radim radka stepan tomas vaclav
  vendula vit vojtech zdenek zdenka zuzana arpad attila bela balazs csaba eniko erzsebet eva ferenc gabor geza gyorgy gyula ildiko imre istvan janos jozsef judit kalman katalin laszlo levente
  lajos maria marta miklos orsolya piroska sandor szabolcs tamas tibor viktor zoltan zsofia zsolt zsuzsanna aurel bogdan catalin constantin corneliu cristian cristina daniela dumitru emil florin gabriela gheorghe horia
  ileana ioan ioana ion ionut iulia iulian liviu lucian madalina marius mihaela mihai mircea nicolae octavian ovidiu petru radu raluca razvan silviu simona sorin stefan tudor vasile viorel vlad
  alejandra alvaro amparo andres araceli belen benito bernardo borja carlota carmelo catalina concepcion consuelo cristobal dolores eduardo elena emilio encarnacion enrique esteban eugenia fabian federico felipe fermin fernanda
  gonzalo graciela guadalupe guillermo gustavo hector hernan ignacio inmaculada inigo isabel jacinto jaime javier jesus jimena joaquin jordi jorge josefa juan juana julio leandro leticia lorena lourdes luis macarena manuela
  marcelo marcos mariana maribel marisol mateo matias mauricio mercedes miguel milagros montserrat nieves nuria octavio pablo paloma pascual pedro pilar rafael ramiro ramon raquel ricardo rocio rodrigo rogelio rosario ruben
  salvador santiago sergio silvia soledad susana tomas trinidad vicente ximena yolanda afonso ana beatriz caetano catarina conceicao diogo duarte fabio fatima filipe francisca goncalo graca guilherme helder heloisa
  henrique ines joana joao leonor lidia lourenco luisa madalena mafalda margarida marcio matheus nuno otavio paulo raul renato ricardo rui sofia tania teresa thiago tiago vasco vitor
  whitney tabitha imogen jemima rosalind barnaby callum rupert tarquin nigel graham clive trevor dougal ewen geoffrey gillian hilary jacqueline lynne maureen noreen philippa rosemary sheila deborah kimberly
  agathe albane alizee amelie anais apolline armelle arnaud audrey aurelien aymeric baptiste bastien benedicte berenice blandine capucine cecile celestin clemence clementine clothilde coralie corentin cyprien cyril delphine edouard
  elodie eloise emeric estelle etienne fabien fabrice faustine florent florian francois gaelle gaetan gaspard genevieve ghislaine gilles gregoire guillaume gwenael herve honore hugues isaure jacques jerome jocelyne judicael
  laetitia laurence leandre lilou loic lucien ludovic maelle maelys manon marcelle margaux mathieu mathilde maxence maxime melanie monique nolwenn odile olivier pascale perrine philippe pierre quentin raphael regis remi rodolphe
  romain sandrine segolene severine solene stephane stephanie sylvain sylvie tanguy thibault thibaut thierry tristan valentin veronique violette vivien xavier yann yannick yvette
  ahmet aysegul baris berk burak burcu busra cem cemal ceren cigdem deniz derya ebru ecem elif emine emre engin ercan erdem esra fatih ferhat gamze gizem gokhan gulsah hakan halil hande haluk hasan huseyin ibrahim
  ilker irem kaan kemal kerem kubra levent mehmet melike meltem merve mert murat mustafa nese nihat nuray okan onur orhan ozan ozge ozgur ozlem pelin pinar ramazan recep rifat sedat selcuk selim sema serdar serhat
  serkan sevgi sibel sinan suleyman tolga tugba tuncay turgut ugur umit volkan yasar yasemin yavuz yilmaz yusuf zehra zeynep
  aapo aino anneli antti arja arto eero eija eila eino erkki esa hannele hannu harri heikki heli helvi ilkka ilmari irmeli jaakko jani jari jarmo jorma jouko jouni juha juhani jukka jussi jyrki kaarina kaisa kalevi kalle
  kari katri kimmo kirsi kirsti lauri leena maarit maija markku marja marjatta marko martti matti merja mika mikko minna mirja niina olavi olli osmo outi paavo paivi pasi pekka pentti perttu pertti petri pirjo pirkko
  raija raimo reijo riikka riitta ritva ruusu saara sakari sami sanna sari satu seija seppo sirpa sirkka taina tapani tapio tarja teemu teppo terhi tero tiina timo toni tuija tuomas tuula urho vaino veikko veli vesa ville virpi
  aksel anders arne arvid asbjorn asgeir bengt birger birgitta bjarne bodil borje brynjar dag egil einar eirik eivind elin elisabet erlend espen fredrik frode geir goran greta gro gudmund gunhild gunilla gustav haakon
  halvor hakan hakon harald hedda helene henning henrik hilde inga inger ingvar jarle joakim jorgen jorunn karsten kirsten kjell kjersti kjetil kristoffer lasse leif lennart linnea lisbeth magne magnus
  maja maren mikael morten niklas oddvar oddvin ola olav oystein oyvind pernille ragnar ragnhild rasmus rune sigmund sigurd siri sissel sjur solveig soren staffan stein steinar stig sture svein sverre terje thor
  thorbjorn torbjorn tore torgeir torgrim torild torkel torstein tove trond trygve tuva ulla unni vegard vidar viggo yngve asa ase aslaug bjork gudrun halldor helgi hildur hrafn jokull katrin kolbrun
  olafur ragnheidur sigridur sigurdur snorri solvi steinunn sveinn thordis thorsteinn unnur valgerdur
  alessandra alessio annunziata antonella armando arturo bartolomeo beppe biagio bruno calogero camilla carmelo caterina cesare cinzia ciro claudia cosimo cristiana daniele davide domenico donatella edoardo elisabetta emanuele
  emiliano enrico ernesto ettore eugenio fabrizio federica fiammetta filippo flavio francesca fulvio gabriele gaetano gennaro giacomo giancarlo gianfranco gianluca gianluigi gianni gianpaolo giorgio giovanna giovanni
  giuliana giulio giuseppe giuseppina graziella guido ignazio ilaria immacolata jacopo leonardo letizia loredana luciana luigi maddalena manlio marcello mariangela massimiliano massimo matilde maurizio michela michele
  mirella nicoletta niccolo nino ornella orazio ottavio paolo paola patrizia piero pierluigi pietro raffaele raffaella renzo riccardo rinaldo roberta rocco romano rosalia ruggero salvatore samuele saverio sebastiano
  serena silvio simona stefania stefano tommaso ugo umberto valerio vincenzo viviana vittoria vittorio
  avi aviv avraham batya chaim chana dalia dvora efraim eitan elad eli eliezer erez esti galit gideon gil hadas hadar hila itai itamar itay liora lior maayan mordechai moshe nadav naomi natan nir nissim noa noam oded ofer ofra
  ora oren orit ori pinchas rachel rafi rivka ronen ronit ruth sara shai shalom shaul shimon shira shlomo shmuel shoshana tal talia tamar tomer tova tzipi tzvi uri yaakov yael yair yehuda yigal yitzhak yoav yochanan
  yoel yonatan yosef yossi yotam yuval zeev zvi
  राहुल प्रिया अमित सुनीता विकास पूजा राज रवि अनिल सुनील संजय विजय अजय मनोज राजेश राकेश सुरेश महेश रमेश दिनेश मुकेश अशोक प्रदीप संदीप दीपक नरेश विनोद प्रमोद अरुण वरुण करण रोहित मोहित अंकित अर्जुन आदित्य अभिषेक निखिल गौरव सचिन नितिन पंकज
  अनीता कविता सविता गीता सीता रीता नीता मीना रेखा लता आशा उषा किरण ज्योति नेहा स्नेहा दिव्या काव्या प्रियंका अंजलि आरती भारती शीला सुमन मधु सरिता ममता शालिनी श्वेता रानी राधा लक्ष्मी सरस्वती मोहन सोहन गोपाल कृष्ण राम श्याम हरि शिव
  สมชาย สมหญิง สมศักดิ์ สมศรี สมบัติ สมพร สมบูรณ์ ประเสริฐ ประยุทธ์ ประสิทธิ์ ประภา วิชัย วิชาญ วิไล วิภา วีระ วันชัย วรรณา สุรชัย สุชาติ สุภาพ สุพจน์ สุวรรณ สุดา สุนีย์ สุรีย์ อนุชา อนันต์ อภิชาติ อรุณ อำนาจ อุไร กมล กฤษณ์ กาญจนา
  กิตติ เกรียงไกร เกษม จิราพร จันทร์เพ็ญ เฉลิม ชัยวัฒน์ ชาญชัย ชูชาติ ณัฐพล ณัฐวุฒิ ดวงใจ ทวี ทองดี ธนา ธนากร ธีระ นภา นพดล นิภา นิรันดร์ บุญมี บุญชัย ปราณี ปิยะ พงษ์ศักดิ์ พรทิพย์ พิชัย ไพศาล ภาณุ มานะ มานพ มาลี ยุพา รัตนา ลัดดา
  วัชระ ศักดิ์ชัย ศิริพร ศุภชัย สายฝน เสกสรร เสาวลักษณ์ หทัย อดิศักดิ์ อารี
  فاطمة مريم نورة سارة خديجة عائشة زينب ليلى هدى سلمى منى أمل أميرة ريم هند نادية سميرة رانيا دينا ياسمين محمد أحمد محمود علي حسن حسين عمر عثمان خالد سعيد سعد يوسف إبراهيم إسماعيل مصطفى عبدالله عبدالرحمن عبدالعزيز فهد فيصل سلطان ناصر ماجد طارق كريم جمال
  سامي رامي وليد ياسر هشام أيمن نبيل عادل صالح سالم راشد حمد جاسم زياد عماد بلال حمزة أنس
`);

/** Given names that some language also has as a common word (`to peter out`, `christian`), but that are hardly ever that word where they are written with a capital. */
export const plainlyGiven = words(`
  alfredo anders arian bella bob bruna carol christian dan dana darin domingo drew erik ernst esmeralda finn frank gwen horst ian isabelle ivo jack jari jean juan julio julius leo lilly luka maija marco
  marta mats maya neha peter rami remi rico roger rosemary rudy sam sandy satish scott tamer tanya tim violeta augusto augustus aurore davor dirk franc gail gigi juri kali karol oren patsy randy safira sari taro
`);

export const moreFamily = words(`
  acharya agarwal aggarwal agrawal ahluwalia ahuja arora awasthi babu bajaj bakshi balakrishnan banerjee bansal basu batra bhagat bhalla bhandari bhardwaj bhargava bhat bhatia bhatt bhattacharya bhattacharyya biswas bose chadha
  chakrabarti chakraborty chandra chandrasekaran chatterjee chaturvedi chaudhary chaudhari chauhan chawla chopra choudhary choudhury dalal das dasgupta datta desai deshmukh deshpande devi dhawan dhillon dixit dubey
  dutt dutta dwivedi gandhi ganguly garg ghosh gill gokhale gopal gopalakrishnan goswami goyal grewal grover guha gulati gupta handa iyengar iyer jadhav jain jaiswal jayaraman jha joshi kadam kakkar kamath kannan kapoor kapur karnik
  kashyap katyal kaul kaur khandelwal khanna kohli kothari krishna krishnamurthy krishnan kulkarni kumari lal luthra mahajan maheshwari majumdar malhotra malik mallick mathur mehra mehrotra mehta menon mishra misra mitra mittal modi
  mohanty mukherjee mukhopadhyay murthy nadar nagar nagpal naidu naik nair nanda narang narasimhan narayan narayanan natarajan nayak nigam oberoi padmanabhan pai pal pande pandey pandit panigrahi parekh parikh parmar
  patil patnaik pawar pillai prabhu prajapati purohit raghavan raghunathan rai rajagopal rajagopalan rajan rajput ramakrishnan raman ramachandran ramanathan ramaswamy rana ranganathan rangarajan rao rastogi rathore raut rawat
  reddy sachdeva saha sahni sahu saini saluja sampath sandhu sanyal sarkar sastry sawant saxena sehgal sengupta seshadri sethi shah shankar sharma shenoy shetty shinde shrivastava shukla sidhu singhal singhania sinha sivakumar
  sodhi somani soni sood srinivasan srivastava subramaniam subramanian subramanyam sundaram suri swaminathan talwar tandon taneja thakur tiwari trehan tripathi trivedi tyagi upadhyay vaidya varghese varma vashisht venkataraman
  venkatesan verma vohra vyas wadhwa yadav
  abbas abdallah abdullah abboud ahmadi akbari alami alaoui alavi almasri amin amiri ansari assad ayad aziz baghdadi bakr barakat bashir benali bennani berrada bouzid chaudhry dabbagh darwish daoud elsayed fakhoury farouk
  fawzi gamal ghanem ghani habib haddad hakim hamdan hamdi hammoud hariri hashemi hijazi hosseini husseini ibrahim idrissi ismail issa jaber jabr jafari kanaan karimi kassem kazemi khalil khan khatib khoury
  mahdi mahfouz mahmoud malouf mansour mansouri masri mazari mohammadi moradi mousa mroueh mubarak mustafa naderi najjar najm nasr nasser nazari odeh omar othman otaibi qahtani qasim qureshi rahimi rahman rashed rashid rahbar rezaei sabbagh sadeghi
  saab saadi sabri said salameh salem saleh sabet samara sayegh shaikh sheikh shami sharif shehadeh siddiqui soliman sulaiman suleiman tahan tamimi tawfiq turki younes youssef zaidi zaki zamani zayed zoubi ghamdi harbi shehri dosari mutairi zahrani
  abiola achebe adebayo adegoke adekunle adelaja adeleke ademola adeniyi adeola adesina adeyemi adichie afolabi agbaje agu ajayi akande akinola akintola akpan alabi aliyu amadi anozie appiah asante awolowo ayodele
  azikiwe babangida bakare balogun bankole bello boateng chukwu chukwuma dlamini diallo diop edozie effiong ejiofor ekwueme emenike ezeh ezekiel fagbemi fashola gbadamosi ibe ibekwe idowu igwe ike iroegbu iwu jega kamau
  kariuki keita khumalo kimani kipchoge konate koroma lawal mabuza maduka mahlangu mandela mbeki mbekeani mensah mokoena moyo mugabe muthoni mwangi nkosi ndiaye ndlovu ngubane njoroge nkrumah nwachukwu nwankwo nwosu nzeogwu obasanjo obi
  obiora ochieng odhiambo odinga odukoya ofori ogbonna ogunbiyi ogundipe oguntade ojo okafor okeke okereke okocha okolie okonkwo okoro okoye oladipo olatunji olawale oluwole omondi onuoha onwudiwe onyango
  onyeka opara osei osinachi otieno owusu oyedepo oyelaran sesay sithole solanke sowande soyinka tshabalala traore toure ubani uche ude udoh umar umeh usman uzoma wanjiru waweru yakubu yeboah zulu zuma
  bai bao bian cai cao cen chai chang che cheng chi chu cui dai deng ding dong dou duan fang fei feng fu gao geng gong guan guo han hao hong hou hu hua jia jiang jiao jin jing kang kong lai lei leng liang liao ling lou
  lu luo lyu mao meng miao mou niu ouyang pang peng pu qi qian qiao qin qiu qu ren rong ruan shao shen sheng shi shu situ song su sun tan tang tao tian tong tu wan wei weng wu xia xiang xiao xie xing xiong xue yan yang yao yin
  ying you yu yuan yue yun zang zeng zhai zhan zheng zhong zhu zhuang zhuge zong zou zuo
  abe akiyama ando aoki arai araki asano endo fujii fujimoto fujita fujiwara fukuda goto hamada hara harada hasegawa hashimoto hattori hayashi higuchi hirano hirata honda hori hoshino igarashi iida ikeda imai inoue ishida ishihara
  ishii ishikawa ito iwasaki kamiya kanda kaneko kato kawaguchi kawamura kawasaki kikuchi kimura kinoshita kitamura kobayashi koike kojima kondo koyama kubo kudo maeda maruyama masuda matsuda matsui matsumoto matsuo matsuoka
  minami miura miyamoto miyazaki mizuno mori morita murakami murata nagai nagata naito nakagawa nakajima nakamura nakano nakayama nishida nishikawa nishimura noguchi nomura oda ogawa okada okamoto okubo onishi ono ota otsuka
  ozawa saito sakai sakamoto sakurai sano sasaki sato sawada shibata shimada shimizu shimura shinohara sugawara sugimoto sugiyama suzuki tachibana takada takagi takahashi takano takayama takeda takeuchi tamura tanabe
  tanaka taniguchi tsuchiya tsujii tsukamoto uchida ueda ueno ueno wada watanabe yamada yamagata yamaguchi yamamoto yamamura yamanaka yamasaki yamashita yamauchi yamazaki yokota yokoyama yoshida yoshikawa yoshimura yoshioka
  ahn bae baek byun chae cheon cho choi chun gwak hwang jang jeon jeong jin jung kang kim ko koo kwak kwon lim moon myung nam noh oh paik park roh ryu seo shim shin sohn song suh yeo yoo yoon youn
  bui cao chu dang dao dinh doan duong ha ho hoang huynh la lam luong luu ly ngo nguyen pham phan phung quach ta thach thai tran trieu trinh truong vo vuong
  abernathy ainsworth alderson applegate arkwright armitage ashcroft ashworth atkins atkinson bainbridge bancroft barlow barraclough beaumont beckett bickerstaff blackwood bradshaw braithwaite brampton briggs brockbank broughton buckley
  calloway cartwright castellan cavendish chadwick chamberlain charlton clarkson clayton clifford cockburn colquhoun cromwell crowther cunliffe dalrymple davenport dawkins delaney devereux dunbar drummond eastwood eccles
  eddington ellington fairbanks fairfax farnsworth faulkner fawcett featherstone fenwick fotheringham gainsborough galbraith gallagher gatenby goddard goodwin greenwood grimshaw gladstone hadley haig halliday hargreaves harrington
  hathaway haverford hawthorne haworth heathcote hemingway heseltine higginbotham hitchcock hollingsworth holloway horsfall huddleston hutchinson illingworth inglis ingram jessop kavanagh kendrick kershaw kingsley langley latham
  leighton lockhart lockwood longbottom lovelace macallister macdonald macdougall macgowan macgregor mackay mackenzie maclean macleod macmillan macpherson mallory marchbanks mayweather mcallister mcbride mccarthy
  mcclellan mcconnell mccormack mccoy mcdermott mcdonagh mcdonald mcdowell mcfarland mcgee mcgovern mcgrath mcgregor mcguinness mcintosh mcintyre mckay mckee mckenna mckenzie mckinley mckinney mclaughlin mclean mcleod mcmahon
  mcmillan mcnamara mcneil mcpherson mcqueen mowbray mountbatten nettleton ormerod openshaw ollerenshaw pemberton pennington postlethwaite prendergast pritchard quigley radcliffe ravenscroft redgrave ramsbottom rothwell rutherford satterthwaite
  scargill shackleton sheridan sidebottom somerville spofforth stapleton sutcliffe swinburne swinton tattersall templeton thackeray thistlethwaite thornbury thornton throckmorton tolliver townsend trelawney trevelyan tunnicliffe
  underhill vanderbilt wainwright wakefield walpole warburton weatherby wedgwood westbrook wetherby whitaker whitcombe whitfield whitlock whitmore whittaker wigglesworth winslow winterbottom woodhouse woodruff wordsworth worthington
  wycliffe yardley abendroth achenbach adenauer altmann arnsberg auerbach bachmann bauer baumann baumgartner becker behrens bergmann bischof bohm brandt braun breitner brinkmann bruckner buchholz burgstaller busch dahlmann degenhardt
  dietz dorn dreyer eberhardt eckert ehrlich eichhorn engelhardt falkenberg fassbender feldmann fischbach fleischer forster franke freitag friedrichs fuchs funke gabler gebhardt geiger gerlach gotz graf grimm grosser gruber grunwald
  gunther haas hagedorn hahn hansen hartmann hauser heinemann heinrich heller hellmann hempel henning hensel hermann herzog hess hildebrandt hirsch hoffmann hohenstein holtz holzmann horn hubner huber jager janssen jung kaiser
  kastner kaufmann keller kellermann kern kirchhoff kirchner klein klemm kluge knopf koch kohl kohler konig kramer kraus kretschmer kreutzmann krueger kruger kuhn kunz lange langer lauterbach lehmann leitner lemke lenz lindemann lindner
  lohmann lorenz ludwig maier mayer meier meinhardt menzel merkel mertens metzger meyer michels mohr moller muller naumann neumann niemeyer nowak oppermann osswald ostermann otte paulsen pfeiffer pohl popp preuss quandt radke rasmussen
  rausch reichert reimann reinhardt reuter richter riedel ritter roth rothmann ruckert ruhl sander sauer schaefer schafer scheffler schenk scherer schiller schilling schindler schlegel schlosser schmid schmidt schmitt schmitz
  schneider scholz schonfeld schreiber schroder schroeder schubert schuler schultz schulz schulze schumacher schuster schwab schwarz seidel seifert siebert simon sommer spiegel spindler springer stahl stark steinbach steiner steinmetz stein
  stoll straub strauss sturm thiel thiele thoma thoms traub trautmann uhlig ullrich unger urban vogel vogt vogler volk voigt voss wachter wagner walther weber wegener weidner weigel weiss weisshaupt wendt wenzel werner wessel wieland
  wiesner winkler winter wirth witt wittmann wolff wulf zander zeller ziegler zimmermann zweig
  aerts baert bakker beekman berends bergsma boer boersma bogaard boogaard bos bosch bosman bouwman brouwer bruijn coenen cuijpers dekker dijkman dijkstra driessen eijkman elzinga feenstra gerritsen goossens haan haak hermans heuvel
  hoekstra hofman hofstra hoogland houtman huisman hulst jansen janssens joosten kamphuis keizer klaassen kok koning koopman koster kramer kroes kuiper kuipers linden maas martens meijer mulder nijhuis nijland nijs noordhoek oosterhuis ouwerkerk
  peeters peters pietersen postma prins rademaker reitsma rijnders rijkaard roos rutten schaap schouten schipper sluis smeets smits spaans spiesschaert steenbergen stienstra struik swart tamminga terpstra timmer timmermans veenstra veldman
  verbeek verhoeven vermeer vermeulen verschoor visser vliet vos vries wagenaar westra wiersma wijnen willems wolters wouters zandstra zijlstra zuidema zwart camp hoff meulen velde laan broek horst beek brink dam dijk graaf groot heer hoek jong
  allard arnaud aubert auger barbier baudry baudin beaulieu beauchamp belanger bellamy benoit bergeron bernier berthelot bertrand bessette blanchard blanchet boisvert bonnet bouchard boucher boudreau bourgeois bourque brassard breton brodeur
  caron carpentier cartier castonguay champagne charbonneau charpentier chartrand chevalier chevallier clement cloutier cormier couture cote daigle delacroix delaunay deschamps desjardins desmarais desrosiers devaux dubois duchamp duchesne dufour
  dumas dumont dupont duprat dupuis durand duval fauchon fontaine fournier gagne gagnon gaillard garnier gaudreau gaultier gauthier germain gilbert girard giraud gosselin goudreau granger gravel grenier guerin guillot hamelin hebert houde
  huot jacquet joubert jolivet labelle lachance lacroix lafleur lafontaine laforge lagarde lambert lamoureux landry langlois lapierre lapointe larue laurin lavoie lebel leblanc leclerc leclercq lecomte lefebvre lefevre legrand lemaire lemieux
  lemoine leroux lesage levesque maillard marchand marechal marois masson mathieu menard mercier meunier michaud monnier moreau morel morin nadeau noel ouellet paquet paquette parent pasquier pelletier perrault perrin perrot picard pichon poirier
  poulin prevost proulx provost renaud richard rivard robert roche rousseau roussel roux roy saint-pierre savard seguin simard simoneau soulier surcouf tanguay tessier thibault thibodeau thiery tremblay trudeau vachon vaillancourt vasseur
  verdier vigneau villeneuve vincent voisin
  aguilar aguirre alarcon alcantara alonso alvarado alvarez aragon arango arias arroyo avila ayala bautista benavides benitez bermudez blanco bolivar bravo bustamante caballero cabrera calderon camacho campos cano cardenas carmona carranza carrasco
  carrillo casas castaneda castillo castro cervantes chavez cisneros contreras cordero cordoba coronado correa cortes cortez cruz cuevas davila delgado diaz dominguez duarte echeverria elizondo escobar espinosa espinoza esquivel estrada fajardo
  fernandez figueroa flores fonseca franco fuentes galindo gallardo gallegos galvan gamboa garay garcia garrido gasset gimenez godoy gomez gonzalez granados guerra guerrero guevara gutierrez guzman hernandez herrera hidalgo huerta hurtado ibanez ibarra
  iglesias jaramillo jimenez juarez lara leal ledesma leon lerma linares llamas lopez lorenzo lozano lucero lugo luna macias maldonado manzano marin marquez marrero martin martinez mejia melendez mena mendez mendoza menendez mercado meza miranda molina
  montalvo montes montoya mora morales moreno moya munoz murillo naranjo navarro nieto noriega nunez obregon ocampo ochoa ojeda olivares orozco ortega ortiz osorio otero pacheco padilla palacios palma pardo paredes parra pascual patino pena
  peralta perez pineda pizarro ponce portillo prieto puente puig quesada quevedo quintana quintero quiroga ramirez ramos rangel restrepo rey reyes rincon rios rivas rivera robles rocha rodriguez rojas roldan romero rosales rosario rubio rueda ruiz saavedra
  salas salazar salcedo saldana salgado salinas sanabria sanchez sandoval santana santiago santillan segura sepulveda serna serrano sierra silva solano solis sosa soto suarez tapia tellez tirado toledo toro torres tovar trejo trujillo uribe urrutia
  valdes valdez valencia valenzuela valle vallejo valverde vargas vasquez vazquez vega velasco velasquez velazquez velez vera vergara vidal villa villalobos villanueva villarreal villegas yanez zambrano zamora zapata zarate zavala zuniga
  abreu aguiar almeida alves amaral amorim andrade antunes araujo assuncao azevedo barbosa barros batista bento bezerra bittencourt borges brandao brito cabral caldeira camara cardoso carneiro carvalho castelo cavalcanti coelho cordeiro correia costa
  coutinho couto cunha dantas domingues esteves evangelista falcao faria farias fernandes ferraz ferreira figueiredo fonseca freire freitas furtado galvao gomes goncalves guedes guimaraes henriques lacerda leal leite lemos lima lobo lopes loureiro
  macedo machado maciel magalhaes maia marinho marques martins mattos medeiros melo mendes menezes mesquita monteiro morais moreira mota moura mourao nascimento neves nobrega nogueira novais nunes oliveira pacheco paiva peixoto pereira pimenta
  pinheiro pinto pires portela prado queiroz quintela ramalho rebelo reis resende rezende ribeiro rodrigues sa salgueiro sampaio santana saraiva seabra serra siqueira soares sousa souza tavares teixeira teles torres trindade valente vasconcelos
  vaz veiga ventura viana vieira vilela xavier
  amato barbieri basile battaglia bellini benedetti bernardi bianchi bruno calabrese caputo carbone caruso castelli cattaneo colombo conte conti coppola costantini cristiani dangelo deluca damico dibiase esposito fabbri farina fazio ferrara ferrari ferraro
  ferretti fiore fontana galli gallo gatti gentile giordano giuliani grassi grasso greco guerra leone lombardi longo mancini marchetti mariani marini marino martinelli martini martino mazza messina monti morelli moretti negri neri orlando pagano
  palmieri palumbo parisi pellegrini pellegrino piras presti ricci rinaldi riva rizzo romano rossetti rossi ruggiero russo sala sanna santini santoro sartori serra silvestri sorrentino testa valentini villa vitale vitali zanella
  adamczyk andrzejewski baran bielecki blaszczyk borkowski brzezinski chmielewski cieslak cichon czarnecki czerwinski dabrowski dabrowska domanski duda dudek dziedzic gajewski glowacki gorski grabowski jablonski jablonska jakubowski jankowski
  jasinski jaworski kaczmarek kalinowski kaminski kaminska kasprzak kazmierczak kolodziej konieczny kowalczyk kowalewski kowalska kowalski kozlowski krajewski krawczyk krol krzyzanowski kubiak kucharski lewandowska lewandowski lis maciejewski
  majewski makowski malinowski marciniak markowski mazur mazurek michalak michalski mroz nowakowski nowicki olszewski ostrowski pawlak pawlowski pietrzak piotrowski przybylski rutkowski sawicki sikora sikorski sobczak sokolowski stankiewicz
  stepien szczepanski szewczyk szulc szymanska szymanski tomaszewski urbanski walczak wasilewski wieczorek wilk wisniewska wisniewski witkowski wlodarczyk wojciechowski wojcik wrobel wroblewska wroblewski wysocki zajac zakrzewski zalewski
  zawadzki zielinska zielinski ziolkowski benes blaha cerny dolezal dvorak fiala hajek horak jelinek kolar kopecky kovar kral kratochvil krejci kucera maly marek moravec navratil nemec novak novotna novotny pokorny pospisil prochazka ruzicka
  sedlacek stastny svoboda sykora urbanek vesely vlcek zeman balogh farkas fekete feher horvath juhasz katona kelemen kiss kocsis kovacs lakatos meszaros molnar nagy nemeth olah orban papp pinter racz simon somogyi soros szabo szalai szilagyi
  szucs takacs torok toth varga vass veres vincze adamescu albu balan barbu bratu ciobanu constantinescu cretu dinu dobre dumitrescu dumitru enache florea georgescu grigorescu iliescu ionescu lazar lungu manole marinescu matei mihailescu moldovan
  munteanu muresan neagu nistor oprea pavel petrescu popa popescu popovici preda radu rusu sandu serban stan stanciu stefanescu stoica suciu toma tudor ungureanu vasilescu vlad voicu
  abramov alekseev alexandrov andreev antonov baranov belov bogdanov borisov chernov denisov dmitriev egorov fedorov filippov frolov gavrilov golubev gorbachev grigoriev gusev ilyin isaev ivanov ivanova kalinin karpov kazakov kiselev komarov
  konovalov korolev kovalenko kovalev kozlov krylov kuzmin kuznetsov kuznetsova lebedev makarov markov matveev medvedev melnik melnyk mikhailov mironov morozov nikitin nikolaev novikov orlov osipov pavlov petrenko petrov petrova polyakov
  ponomarev popov romanov ryabov savchenko semenov sergeev shevchenko sidorov smirnov smirnova sobolev sokolov solovyov sorokin stepanov tarasov tikhonov timofeev titov tkachenko tsvetkov vasiliev vinogradov vlasov volkov vorobyov voronov
  yakovlev yegorov zaitsev zakharov zhukov zhuravlev bondarenko boyko kravchenko kravchuk lysenko marchenko oliynyk pavlenko ponomarenko rudenko tymoshenko zelenskyy zelensky
  akbas aksoy aktas albayrak arslan atalay avci aydin aydogan bayram bozkurt bulut celik cetin coskun demir demirci demirtas dogan duman durmaz erdem erdogan ergin eroglu gul guler gunes gungor kaplan kara karaca karakaya kaya
  keskin kilic koc korkmaz kurt kurtulus ozcan ozdemir ozer ozkan ozturk polat sahin sari sen simsek soylu tas tekin toprak tunc turan turk uysal uzun yalcin yavuz yilmaz yildirim yildiz yucel
  aalto ahonen anttila hakala hakkarainen halonen hamalainen heikkila heikkinen heino heinonen hietala hirvonen hyvonen jarvinen jokinen kallio karjalainen karppinen kinnunen koivisto koskela koskinen korhonen kukkonen laaksonen lahtinen laine laitinen
  lehtinen lehtonen leinonen leppanen lindholm lindstrom makela makinen manninen mattila miettinen mustonen niemi nieminen nurmi ojala paananen partanen pitkanen pulkkinen rantanen rasanen rissanen saarinen salminen salonen savolainen seppala
  seppanen tuominen turunen vainio vaisanen virtanen vuorinen aaberg aakre aas abrahamsen andersen andersson andreassen arnesen bakke bakken berg berge bergstrom bjorklund blomqvist christensen christiansen dahl dahlberg danielsen eklund eliassen
  engstrom eriksen eriksson forsberg fredriksen gustafsson gustavsson haugen hansson hedlund hellstrom henriksen holm holmberg holmgren iversen jacobsen jacobsson jakobsen jansson jensen jeppesen jespersen johannessen johansen johansson jonsdottir
  jonsson jorgensen karlsen karlsson kjaergaard knudsen kristensen kristiansen larsen larsson laursen lindberg lindgren lindqvist lund lundberg lundgren lundin lundqvist madsen magnusson martinsen mikkelsen moen moller mortensen nielsen nilsen
  nilsson norberg nordin nordstrom nygaard nyberg nystrom olesen olofsson olsen olsson ostergaard pedersen persson petersen petersson pettersen pettersson poulsen rasmussen samuelsson sandberg simonsen sjoberg skov solberg sorensen sandvik strand stromberg
  sundberg svendsen svensson thomsen thorsen thorsson wallin westergaard winther wikstrom aberg akesson ostlund oberg
  abramovich adler alon amir ashkenazi avraham azulay barak barzilai bendavid benyamin biton cohen dagan dahan dayan eliyahu eshkol friedman gabay golan goldberg goldstein halevi harari hazan kaplan katz kedem klein lavi levi levin levy malka mizrahi
  mizrachi ohana oz peled peretz perlman rabin rabinovich rosenberg rozen sasson segal sela shaked shapira shapiro sharabi sharon shavit stern tal vaknin weizman yadin yosef zohar
  शर्मा वर्मा सिंह गुप्ता पटेल मिश्रा कुमार यादव चौधरी अग्रवाल जैन मेहता शाह देसाई जोशी पांडे तिवारी शुक्ला त्रिपाठी द्विवेदी चतुर्वेदी दुबे श्रीवास्तव सक्सेना माथुर भटनागर कपूर खन्ना मल्होत्रा चोपड़ा अरोड़ा भाटिया सेठी राय राव रेड्डी नायर मेनन अय्यर पिल्लई
  बनर्जी मुखर्जी चटर्जी घोष बोस दास सेन चक्रवर्ती खान अंसारी सिद्दीकी कुरैशी राजपूत ठाकुर चौहान राठौर सोलंकी परमार पाटिल कुलकर्णी देशपांडे जाधव पवार शिंदे मोदी गांधी नेहरू
  ใจดี ศรีสุข วงศ์ไทย ทองคำ แสงทอง บุญมาก สุขใจ รักไทย ทองสุข แก้วมณี จันทร์แก้ว พรหมมา ศรีสวัสดิ์ สุวรรณรัตน์ วงศ์สุวรรณ
  الحسن الحسين العتيبي حداد الشريف منصور القحطاني الغامدي الحربي الشهري الدوسري المطيري الزهراني العنزي الشمري السبيعي المالكي الخطيب النجار المصري الحلبي السيد خليل خوري سليمان عباس الهاشمي البغدادي التميمي الأنصاري
`);

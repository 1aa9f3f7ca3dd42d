//! Names of companies and people. Companies carry coined words, every address ends in `.test` or `example.com`: nothing here can be mistaken for anybody real.

use crate::random::Random;

const HEADS: [&str; 60] = [
    "Ald", "Bel", "Bren", "Cal", "Cor", "Dav", "Del", "Dor", "Ell", "Fal", "Fen", "Fir", "Gal", "Gor", "Hal",
    "Hel", "Il", "Jar", "Jol", "Kel", "Kor", "Lan", "Lir", "Lom", "Mar", "Mel", "Mor", "Nal", "Ner", "Nor",
    "Ol", "Or", "Pal", "Per", "Pol", "Quel", "Quin", "Ral", "Rin", "Ros", "Sal", "Sel", "Sor", "Tal", "Tel",
    "Tor", "Ul", "Ur", "Val", "Vel", "Vor", "Wil", "Wen", "Xan", "Yar", "Yel", "Zal", "Zen", "Zor", "Zul",
];
const TAILS: [&str; 40] = [
    "adine", "amor", "andis", "anova", "ardel", "aria", "avane", "avista", "edon", "elis", "emont", "enna",
    "erane", "erith", "esca", "etra", "evale", "iador", "iane", "ibel", "idora", "ilune", "imare", "indel",
    "iora", "irath", "istra", "ivane", "obara", "odell", "olane", "omira", "onda", "oria", "osmere", "ovale",
    "ubrel", "udane", "ulora", "umera",
];
const TRADES: [(&str, &str); 24] = [
    ("Dental Group", "Dental"),
    ("Dental Care", "Dental"),
    ("Family Dentistry", "Dental"),
    ("Surgery Center", "Ambulatory surgery"),
    ("Surgical Partners", "Ambulatory surgery"),
    ("Outpatient Surgery", "Ambulatory surgery"),
    ("Home Health", "Home health"),
    ("Home Care", "Home health"),
    ("Hospice", "Home health"),
    ("Behavioral Health", "Behavioral health"),
    ("Counseling Center", "Behavioral health"),
    ("Recovery Clinic", "Behavioral health"),
    ("Senior Living", "Skilled nursing"),
    ("Nursing Center", "Skilled nursing"),
    ("Rehabilitation", "Skilled nursing"),
    ("Urgent Care", "Urgent care"),
    ("Walk-in Clinic", "Urgent care"),
    ("Family Medicine", "Physician practice"),
    ("Pediatrics", "Physician practice"),
    ("Cardiology", "Physician practice"),
    ("Orthopedics", "Physician practice"),
    ("Community Hospital", "Hospital"),
    ("Medical Center", "Hospital"),
    ("Diagnostics", "Laboratory"),
];
const REGIONS: [&str; 8] = ["", "North", "South", "East", "West", "Central", "Valley", "Coast"];
const NAMES: u64 = (HEADS.len() * TAILS.len() * TRADES.len()) as u64;

const FIRST: [&str; 48] = [
    "Ada", "Alan", "Amara", "Anita", "Arjun", "Beth", "Bruno", "Carla", "Cesar", "Chloe", "Dana", "Diego",
    "Elena", "Emil", "Farah", "Felix", "Grace", "Hana", "Hugo", "Ines", "Iris", "Jamal", "Jonas", "Julia",
    "Karim", "Kate", "Lena", "Leo", "Lucia", "Marta", "Milo", "Nadia", "Noah", "Nora", "Omar", "Paula",
    "Priya", "Rafael", "Rosa", "Ruth", "Sam", "Selma", "Tariq", "Theo", "Uma", "Vera", "Wanda", "Yusuf",
];
const LAST: [&str; 40] = [
    "Abbot", "Ashby", "Baker", "Barlow", "Becker", "Booth", "Carver", "Castell", "Cooper", "Dalton",
    "Draper", "Ellery", "Fisher", "Fletcher", "Forester", "Gardener", "Glover", "Harper", "Hooper", "Keeler",
    "Lorimer", "Marlow", "Mason", "Mercer", "Miller", "Osgood", "Parker", "Potter", "Quill", "Reeve",
    "Sawyer", "Sexton", "Shepard", "Tanner", "Thatcher", "Turner", "Walker", "Weaver", "Wheeler", "Wright",
];
const TITLES: [&str; 12] = [
    "Compliance Officer",
    "Practice Manager",
    "HR Director",
    "Training Coordinator",
    "Director of Nursing",
    "Office Manager",
    "Quality Manager",
    "Operations Director",
    "Infection Control Lead",
    "Administrator",
    "Safety Officer",
    "Chief Operating Officer",
];

/// Name, web domain and industry of account `index`: unique below 460,800 accounts, scattered by a walk over all combinations.
pub fn company(seed: u64, index: u64) -> (String, String, &'static str) {
    let place = (index % NAMES * 7_919 + seed % NAMES * 31) % NAMES;
    let (trade, rest) = (place % TRADES.len() as u64, place / TRADES.len() as u64);
    let (tail, head) = (rest % TAILS.len() as u64, rest / TAILS.len() as u64);
    let (trade_name, industry) = TRADES[trade as usize];
    let coined = format!("{}{}", HEADS[head as usize], TAILS[tail as usize]);
    let region = REGIONS[(index / NAMES) as usize % REGIONS.len()];
    let mut name = if region.is_empty() {
        format!("{coined} {trade_name}")
    } else {
        format!("{coined} {trade_name} {region}")
    };
    let round = index / (NAMES * REGIONS.len() as u64);
    if round > 0 {
        name = format!("{name} {}", round + 1);
    }
    let domain = name.to_lowercase().replace(' ', "-") + ".test";
    (name, domain, industry)
}

/// A person at an account.
#[derive(Clone, Copy)]
pub struct Person {
    first: u8,
    last: u8,
    title: u8,
}

impl Person {
    /// Somebody.
    pub fn draw(random: &mut Random) -> Self {
        Self {
            first: random.below(FIRST.len() as u32) as u8,
            last: random.below(LAST.len() as u32) as u8,
            title: random.below(TITLES.len() as u32) as u8,
        }
    }

    /// `Ada Abbot`.
    pub fn name(self) -> String {
        format!("{} {}", FIRST[self.first as usize], LAST[self.last as usize])
    }

    /// `ada.abbot2@domain`: the number keeps people of one name apart.
    pub fn email(self, number: usize, domain: &str) -> String {
        format!(
            "{}.{}{}@{domain}",
            FIRST[self.first as usize].to_lowercase(),
            LAST[self.last as usize].to_lowercase(),
            number + 1
        )
    }

    /// The job's title.
    pub fn title(self) -> &'static str {
        TITLES[self.title as usize]
    }
}

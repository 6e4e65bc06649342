package search

import "strings"

// pinyin is the usual reading, without tones, of characters that are common in
// names: the hundred most frequent family names and the frequent characters of
// given names, simplified and traditional (Unihan, kMandarin). A character
// that is not here is found by itself and not by its sound; a whole table
// would be larger than the rest of this package together.
var pinyin = func() map[rune]string {
	m := make(map[rune]string)
	for _, line := range strings.Split(strings.TrimSpace(pinyinTable), "\n") {
		sound, characters, _ := strings.Cut(line, " ")
		for _, r := range characters {
			m[r] = sound
		}
	}
	return m
}()

const pinyinTable = `
ai 爱愛艾
an 安
bai 白柏
ban 班
bao 宝寶保包
bei 贝貝北
bi 碧毕畢
bin 斌彬滨賓宾
bing 冰兵炳
bo 波博伯
cai 蔡才彩财財
cao 曹
cen 岑
chang 常昌
chao 超朝
chen 陈陳晨辰
cheng 成程诚誠城
chong 崇
chu 楚初褚
chuan 川传傳
chun 春纯純
cong 聪聰从
cui 崔翠
da 大达達
dai 戴
dan 丹
dao 道
de 德
deng 邓鄧登
di 迪
ding 丁定
dong 东東冬董栋棟
du 杜
duan 段
en 恩
fan 范凡帆樊繁
fang 方芳房
fei 飞飛菲
fen 芬
feng 冯馮峰丰豐凤鳳锋鋒枫
fu 付傅福富夫芙
gang 刚剛钢鋼
gao 高
ge 葛
geng 耿
gong 龚龔宫功
gu 顾顧谷古
guang 光广廣
gui 桂贵貴
guo 国國郭果
hai 海
han 韩韓汉漢涵寒
hao 浩昊豪好郝
he 何和贺賀河荷
heng 恒
hong 洪红紅宏鸿鴻虹
hou 侯
hu 胡虎
hua 华華花
huan 欢歡
huang 黄黃皇
hui 慧辉輝惠会會晖
ji 季吉纪紀继繼姬
jia 佳家嘉贾賈
jian 建健剑劍简坚
jiang 江姜蒋蔣将
jiao 娇嬌焦
jie 杰洁潔捷
jin 金锦錦进進晋
jing 静靜晶京敬景经婧
jiu 九久
ju 菊
juan 娟
jun 军軍俊君钧
kai 凯凱开開
kang 康
ke 可科柯
kong 孔
kun 坤昆
lai 赖賴来來
lan 兰蘭岚嵐蓝
lang 朗
lei 雷磊蕾
li 李丽麗力立黎莉利理礼励
lian 连連莲蓮廉
liang 梁亮良
liao 廖
lin 林琳霖临
ling 玲凌灵靈岭
liu 刘劉柳
long 龙龍隆
lu 陆陸卢盧路露鹿璐鲁
luo 罗羅洛骆
ma 马馬
mao 毛茂
mei 美梅媚
meng 孟梦夢萌
mi 米
miao 苗妙
min 敏民闵
ming 明名铭銘
mo 莫墨
mu 木牧穆
na 娜那
nan 南楠
ni 倪妮
nian 年
ning 宁寧
pan 潘
pei 培佩裴
peng 彭鹏鵬
ping 平萍
pu 朴浦
qi 齐齊琪奇启戚
qian 钱錢倩千
qiang 强強
qiao 乔喬巧
qin 秦琴勤沁
qing 青清庆慶晴卿
qiu 邱秋丘
qu 曲
quan 全权權泉
ran 冉然
ren 任仁
rong 荣榮容蓉
ru 如茹汝
rui 瑞蕊睿锐
ruo 若
san 三
sha 莎
shan 山珊善
shang 尚
shao 邵少
shen 沈申
sheng 生胜勝盛圣
shi 石施史诗詩时世仕士
shu 淑舒书書树樹
shuai 帅帥
shuang 双雙爽
shun 顺順
si 思斯司四
song 宋松
su 苏蘇素
sun 孙孫
tai 泰
tan 谭譚谈
tang 唐汤湯堂
tao 陶涛濤
tian 田天甜
tie 铁鐵
ting 婷庭廷
tong 童同彤
wan 万萬婉
wang 王汪旺
wei 伟偉魏卫衛韦韋威维維薇巍
wen 文温溫雯
wu 吴吳武五伍
xi 习西希喜席曦
xia 夏霞侠
xian 贤賢仙先
xiang 向祥香湘翔
xiao 小晓曉肖萧蕭笑孝
xie 谢謝
xin 新心欣鑫信辛
xing 星兴興邢幸
xiong 熊雄
xiu 秀修
xu 徐许許旭
xuan 轩軒萱宣
xue 雪薛学學
xun 勋
ya 亚亞雅
yan 燕严嚴颜顏艳艷岩妍闫彦
yang 杨楊阳陽洋扬
yao 姚瑶瑤耀
ye 叶葉业業
yi 易一伊怡宜义義艺毅仪依
yin 尹银銀殷音
ying 英莹瑩颖穎应應鹰盈
yong 勇永
you 尤友游
yu 于余玉宇雨语語裕俞钰瑜
yuan 袁元远遠媛源
yue 月岳悦悅越
yun 云雲芸
zan 赞
ze 泽澤
zeng 曾增
zhan 詹展
zhang 张張章
zhao 赵趙昭
zhen 珍真振镇
zheng 郑鄭正政
zhi 志智芝之枝
zhong 钟鍾鐘中忠仲
zhou 周州
zhu 朱珠竹祝
zhuang 庄莊
zhuo 卓
zi 子紫梓
zong 宗
zou 邹鄒
zu 祖
`

// romaniseHan reads a word whose characters are all in the table.
func romaniseHan(word string) []string {
	var b strings.Builder
	for _, r := range word {
		sound, ok := pinyin[r]
		if !ok {
			return nil
		}
		b.WriteString(sound)
	}
	return []string{b.String()}
}
